-- Data that was read from the sources: changes of a dossier's step or status (transitions), changes that were typed in
-- late (old_steps), rows that could not be used (quarantine), and fields whose values were corrected (cleaned_fields).

CREATE TABLE motcua.transitions (
    transition_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    source_transition_id bigint,
    dossier_id bigint NOT NULL REFERENCES motcua.dossiers,
    sequence bigint NOT NULL,
    from_row boolean NOT NULL DEFAULT FALSE,
    from_step text,
    to_step text,
    status_code smallint NOT NULL CHECK (status_code BETWEEN 1 AND 10),
    at_one_stop_desk boolean NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor text,
    note text,
    picked_up_at timestamptz NOT NULL,
    planned_at timestamptz,
    outcome text CHECK (outcome IN ('message', 'same_occasion', 'no_occasion', 'out_of_scope')),
    message_id bigint,
    UNIQUE (source_id, source_transition_id),
    CHECK (from_row = (source_transition_id IS NULL)),
    CHECK ((planned_at IS NULL) = (outcome IS NULL)),
    CHECK (outcome <> 'message' OR message_id IS NOT NULL),
    CONSTRAINT times_can_be CHECK (
        coalesce(
            least(occurred_at, recorded_at, picked_up_at, planned_at) >= timestamptz '2000-01-01 00:00:00+00'
            AND greatest(occurred_at, recorded_at, picked_up_at, planned_at)
            < timestamptz '9000-01-01 00:00:00+00', TRUE
        )
    )
);
CREATE UNIQUE INDEX transitions_from_row ON motcua.transitions (dossier_id, recorded_at) WHERE from_row;
CREATE INDEX transitions_dossier ON motcua.transitions (dossier_id, sequence, from_row, transition_id);
CREATE INDEX transitions_unplanned ON motcua.transitions (dossier_id) WHERE planned_at IS NULL;
CREATE INDEX transitions_recorded ON motcua.transitions (source_id, recorded_at);
-- The query that checks whether each event has its message (accounting.sql) uses this index to find the transitions of
-- a day that may need a message.
CREATE INDEX transitions_calling ON motcua.transitions (recorded_at) WHERE at_one_stop_desk AND status_code IN (5, 9);
COMMENT ON TABLE motcua.transitions IS 'Changes of a dossier''s step or status, as sources recorded them. Each change is stored once, even if it is read several times.';
COMMENT ON COLUMN motcua.transitions.transition_id IS 'Our number of the transition.';
COMMENT ON COLUMN motcua.transitions.source_id IS 'The source that recorded the change.';
COMMENT ON COLUMN motcua.transitions.source_transition_id IS 'Number of the transition at its source; empty if the source recorded no transition and only the dossier''s row showed the change.';
COMMENT ON COLUMN motcua.transitions.dossier_id IS 'The dossier that changed.';
COMMENT ON COLUMN motcua.transitions.sequence IS 'Orders the transitions of a dossier. It is the number that the source gave to the change or, if only the dossier''s row showed the change, the largest such number that was known of the dossier.';
COMMENT ON COLUMN motcua.transitions.from_row IS 'Whether only the dossier''s row at the source showed the change, because the row was newer than the dossier''s last transition.';
COMMENT ON COLUMN motcua.transitions.from_step IS 'Name of the dossier''s step before the change.';
COMMENT ON COLUMN motcua.transitions.to_step IS 'Name of the dossier''s step after the change.';
COMMENT ON COLUMN motcua.transitions.status_code IS 'National status code, 1-10, after the change.';
COMMENT ON COLUMN motcua.transitions.at_one_stop_desk IS 'Whether the dossier was at the one-stop desk after the change.';
COMMENT ON COLUMN motcua.transitions.occurred_at IS 'When the change happened. An impossible time was corrected by the rule in docs/guarantees.md.';
COMMENT ON COLUMN motcua.transitions.recorded_at IS 'When the source recorded the change, corrected by the same rule. A backfill selects transitions by this time.';
COMMENT ON COLUMN motcua.transitions.actor IS 'Person who made the change at the source.';
COMMENT ON COLUMN motcua.transitions.note IS 'Free text from the source, cleaned. May hold personal data.';
COMMENT ON COLUMN motcua.transitions.picked_up_at IS 'When the transition was first read from its source.';
COMMENT ON COLUMN motcua.transitions.planned_at IS 'When it was decided whether the transition needs a message (planning); empty: it was not decided yet.';
COMMENT ON COLUMN motcua.transitions.outcome IS 'What was decided about a message for the transition (planning). message: the transition begins an event that needs one, and has the message. same_occasion: the transition belongs to an event about which another transition has the message. no_occasion: the transition needs no message. out_of_scope: the agency was not enabled yet when the event began.';
COMMENT ON COLUMN motcua.transitions.message_id IS 'The message about the event that the transition belongs to; empty: there is none.';

CREATE TABLE motcua.old_steps (
    transition_id bigint PRIMARY KEY REFERENCES motcua.transitions,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    dossier_id bigint NOT NULL REFERENCES motcua.dossiers,
    known_from bigint NOT NULL REFERENCES motcua.transitions,
    read_from timestamptz NOT NULL,
    marked_at timestamptz NOT NULL,
    ask_at timestamptz,
    version_id bigint REFERENCES motcua.dossier_versions,
    has_force boolean,
    CHECK (known_from >= transition_id),
    CHECK ((version_id IS NULL) = (has_force IS NULL)),
    CHECK (version_id IS NULL OR ask_at IS NULL)
);
CREATE INDEX old_steps_dossier ON motcua.old_steps (dossier_id);
CREATE INDEX old_steps_to_judge ON motcua.old_steps (source_id, ask_at) WHERE ask_at IS NOT NULL;
COMMENT ON TABLE motcua.old_steps IS 'Old steps: transitions that were typed in late. Each happened well before a transition of the same dossier and source that has a lower number. The dossier''s row is read again and decides whether the old step counts when messages are planned. The decision is written once.';
COMMENT ON COLUMN motcua.old_steps.transition_id IS 'The transition that is an old step.';
COMMENT ON COLUMN motcua.old_steps.source_id IS 'The source of the transition.';
COMMENT ON COLUMN motcua.old_steps.dossier_id IS 'The dossier of the transition.';
COMMENT ON COLUMN motcua.old_steps.known_from IS 'The transition that showed, when it was read, that the step is old: the old step itself, or a transition with a lower number that was read later.';
COMMENT ON COLUMN motcua.old_steps.read_from IS 'The dossier''s row decides about the old step only if it was read at or after this time, which is the recorded time of the step plus the possible error of the clocks.';
COMMENT ON COLUMN motcua.old_steps.marked_at IS 'When the step was found to be old.';
COMMENT ON COLUMN motcua.old_steps.ask_at IS 'When the dossier''s row must be read to decide about the old step; empty: the row was read, or the source returned no row with a status for a week.';
COMMENT ON COLUMN motcua.old_steps.version_id IS 'The version of the dossier''s row that decided about the old step; empty: it was not decided.';
COMMENT ON COLUMN motcua.old_steps.has_force IS 'Whether the old step counts like any other step; empty: it was not decided.';

CREATE TABLE motcua.quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    row_kind text NOT NULL CHECK (row_kind IN ('transition', 'dossier')),
    row_key text NOT NULL,
    reason text NOT NULL CHECK (reason IN (
        'agency_missing', 'agency_unknown', 'status_missing', 'status_unknown', 'code_missing', 'code_unusable',
        'number_missing', 'dossier_missing'
    )),
    agency_code text,
    dossier_code text,
    status_code integer,
    payload jsonb NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    released_at timestamptz,
    run_no bigint DEFAULT nullif(current_setting('motcua.run', TRUE), '')::bigint,
    purged_at timestamptz,
    UNIQUE (source_id, row_kind, row_key)
);
CREATE INDEX quarantine_open ON motcua.quarantine (source_id, reason) WHERE released_at IS NULL;
CREATE INDEX quarantine_run ON motcua.quarantine (run_no) WHERE run_no IS NOT NULL;
CREATE INDEX quarantine_code_key ON motcua.quarantine (motcua.code_key(dossier_code))
WHERE dossier_code IS NOT NULL;
COMMENT ON TABLE motcua.quarantine IS 'Rows of a source that could not be used. A row is released automatically when the cause is gone.';
COMMENT ON COLUMN motcua.quarantine.quarantine_id IS 'Our number of the row in quarantine.';
COMMENT ON COLUMN motcua.quarantine.source_id IS 'The source of the row.';
COMMENT ON COLUMN motcua.quarantine.row_kind IS 'Kind of row: transition or dossier.';
COMMENT ON COLUMN motcua.quarantine.row_key IS 'Key by which the row can be found at its source.';
COMMENT ON COLUMN motcua.quarantine.reason IS 'Why the row could not be used.';
COMMENT ON COLUMN motcua.quarantine.agency_code IS 'Agency code in the row, as the source writes it.';
COMMENT ON COLUMN motcua.quarantine.dossier_code IS 'Dossier code in the row, as the source writes it, cut to 80 characters.';
COMMENT ON COLUMN motcua.quarantine.status_code IS 'Status code in the row, as the source writes it.';
COMMENT ON COLUMN motcua.quarantine.payload IS 'The content of the row. Of a dossier''s row only the key is stored. The note of a transition may hold personal data.';
COMMENT ON COLUMN motcua.quarantine.first_seen_at IS 'When the row was put into quarantine.';
COMMENT ON COLUMN motcua.quarantine.last_seen_at IS 'When the row was last read with a new content and still could not be used. If it is read again unchanged, this time stays the same.';
COMMENT ON COLUMN motcua.quarantine.released_at IS 'When the row could be used, because the cause was gone; empty: it is still in quarantine.';
COMMENT ON COLUMN motcua.quarantine.run_no IS 'The run that first put the row into quarantine.';
COMMENT ON COLUMN motcua.quarantine.purged_at IS 'When the personal data of the row was emptied; the columns by which the row can be found at its source are kept. Empty: it was not emptied.';

CREATE TABLE motcua.cleaned_fields (
    cleaned_field_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dossier_id bigint NOT NULL REFERENCES motcua.dossiers,
    transition_id bigint REFERENCES motcua.transitions,
    detail text NOT NULL DEFAULT '',
    found_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (code, dossier_id, transition_id)
);
COMMENT ON TABLE motcua.cleaned_fields IS 'Faulty fields of rows whose values had to be corrected when the rows were read. There is one row for each kind of fault, dossier and transition.';
COMMENT ON COLUMN motcua.cleaned_fields.cleaned_field_id IS 'Our number of the fault.';
COMMENT ON COLUMN motcua.cleaned_fields.code IS 'Code of the kind of fault.';
COMMENT ON COLUMN motcua.cleaned_fields.agency_code IS 'Agency of the dossier.';
COMMENT ON COLUMN motcua.cleaned_fields.dossier_id IS 'The dossier whose row, or whose transition, has the fault.';
COMMENT ON COLUMN motcua.cleaned_fields.transition_id IS 'The transition that has the fault; empty: the dossier''s own row has it.';
COMMENT ON COLUMN motcua.cleaned_fields.detail IS 'Names of the faulty fields, and counts. Never holds a value of a field with personal data.';
COMMENT ON COLUMN motcua.cleaned_fields.found_at IS 'When the fault was first noticed.';
COMMENT ON COLUMN motcua.cleaned_fields.last_seen_at IS 'When the row was last read with this fault. If the dossier''s row was read later without the fault, picked_up_at of the dossier is later than this time.';
