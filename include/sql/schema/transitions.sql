-- Steps of dossiers as they were read from the sources, old steps, unusable rows, and fields that a pick-up had to
-- clean.

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
-- The accounting identity finds the occasions of a day by this index.
CREATE INDEX transitions_calling ON motcua.transitions (recorded_at) WHERE at_one_stop_desk AND status_code IN (5, 9);
COMMENT ON TABLE motcua.transitions IS 'Recorded changes of a dossier''s step or status, each stored once however often it is read.';
COMMENT ON COLUMN motcua.transitions.transition_id IS 'Our number of the transition.';
COMMENT ON COLUMN motcua.transitions.source_id IS 'The source.';
COMMENT ON COLUMN motcua.transitions.source_transition_id IS 'The source''s number; empty if only the dossier''s row showed the change.';
COMMENT ON COLUMN motcua.transitions.dossier_id IS 'The dossier.';
COMMENT ON COLUMN motcua.transitions.sequence IS 'Order within the dossier: the source''s number, or the largest number known when a row showed the change.';
COMMENT ON COLUMN motcua.transitions.from_row IS 'Whether the dossier''s row showed the change, because the row was newer than the last transition.';
COMMENT ON COLUMN motcua.transitions.from_step IS 'Step before.';
COMMENT ON COLUMN motcua.transitions.to_step IS 'Step after.';
COMMENT ON COLUMN motcua.transitions.status_code IS 'National status code 1-10.';
COMMENT ON COLUMN motcua.transitions.at_one_stop_desk IS 'Whether the dossier was at the one-stop desk.';
COMMENT ON COLUMN motcua.transitions.occurred_at IS 'When the change happened, cleaned by the rule in docs/guarantees.md.';
COMMENT ON COLUMN motcua.transitions.recorded_at IS 'When the source recorded the change, cleaned by the same rule. Windows of backfills compare this time.';
COMMENT ON COLUMN motcua.transitions.actor IS 'Person who made the change at the source.';
COMMENT ON COLUMN motcua.transitions.note IS 'Free text from the source, cleaned. May hold personal data.';
COMMENT ON COLUMN motcua.transitions.picked_up_at IS 'When the transition was read.';
COMMENT ON COLUMN motcua.transitions.planned_at IS 'When the transition was planned; empty: not planned yet.';
COMMENT ON COLUMN motcua.transitions.outcome IS 'Decision of planning.';
COMMENT ON COLUMN motcua.transitions.message_id IS 'The message of the transition''s occasion.';

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
COMMENT ON TABLE motcua.old_steps IS 'Old steps: transitions that happened well before one with a lower number of their source, because they were typed in late. The dossier''s row, read again, decides whether an old step counts; this is written once.';
COMMENT ON COLUMN motcua.old_steps.transition_id IS 'The transition.';
COMMENT ON COLUMN motcua.old_steps.source_id IS 'The source of the transition.';
COMMENT ON COLUMN motcua.old_steps.dossier_id IS 'The dossier of the transition.';
COMMENT ON COLUMN motcua.old_steps.known_from IS 'The transition whose reading showed that the step is old: the step itself, or a step with a lower number that came later.';
COMMENT ON COLUMN motcua.old_steps.read_from IS 'A row that is read from then on judges the old step. It is the recorded time plus the possible error of the clocks.';
COMMENT ON COLUMN motcua.old_steps.marked_at IS 'When the step was found to be old.';
COMMENT ON COLUMN motcua.old_steps.ask_at IS 'When the dossier''s row must be read for the old step; empty: it was read, or the source no longer has it.';
COMMENT ON COLUMN motcua.old_steps.version_id IS 'The version of the dossier''s row that judged the old step; empty: not judged.';
COMMENT ON COLUMN motcua.old_steps.has_force IS 'Whether the old step counts as other steps do; empty: not judged.';

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
COMMENT ON COLUMN motcua.quarantine.quarantine_id IS 'Our number of the row.';
COMMENT ON COLUMN motcua.quarantine.source_id IS 'The source.';
COMMENT ON COLUMN motcua.quarantine.row_kind IS 'Kind of row: transition or dossier.';
COMMENT ON COLUMN motcua.quarantine.row_key IS 'Key of the row at the source.';
COMMENT ON COLUMN motcua.quarantine.reason IS 'Why the row could not be used.';
COMMENT ON COLUMN motcua.quarantine.agency_code IS 'Agency code as the source writes it.';
COMMENT ON COLUMN motcua.quarantine.dossier_code IS 'Dossier code as the source writes it, cut to 80 characters.';
COMMENT ON COLUMN motcua.quarantine.status_code IS 'Status code as the source writes it.';
COMMENT ON COLUMN motcua.quarantine.payload IS 'The row; for a dossier its key only. May hold personal data in the note of a transition.';
COMMENT ON COLUMN motcua.quarantine.first_seen_at IS 'When the row was quarantined.';
COMMENT ON COLUMN motcua.quarantine.last_seen_at IS 'When the row last came in this form and was unusable. A row that is read again unchanged is not written again.';
COMMENT ON COLUMN motcua.quarantine.released_at IS 'When the cause was gone and the row was used.';
COMMENT ON COLUMN motcua.quarantine.run_no IS 'The run that found the row first.';
COMMENT ON COLUMN motcua.quarantine.purged_at IS 'When the texts of the row were emptied. The columns by which it is found at its source stay.';

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
COMMENT ON TABLE motcua.cleaned_fields IS 'Fields of rows that a pick-up had to clean, once for each dossier and transition.';
COMMENT ON COLUMN motcua.cleaned_fields.cleaned_field_id IS 'Our number of the row.';
COMMENT ON COLUMN motcua.cleaned_fields.code IS 'Fault that was noticed.';
COMMENT ON COLUMN motcua.cleaned_fields.agency_code IS 'Agency of the dossier.';
COMMENT ON COLUMN motcua.cleaned_fields.dossier_id IS 'The dossier.';
COMMENT ON COLUMN motcua.cleaned_fields.transition_id IS 'The transition, if the field belongs to one.';
COMMENT ON COLUMN motcua.cleaned_fields.detail IS 'Names of fields and counts; never a value of a personal field.';
COMMENT ON COLUMN motcua.cleaned_fields.found_at IS 'When the fault was first noticed.';
COMMENT ON COLUMN motcua.cleaned_fields.last_seen_at IS 'When the row was last read with this fault. If a dossier''s row was read without the fault after that, the row has a later time.';
