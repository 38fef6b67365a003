-- depends: 0001_agencies_and_sources
-- What was read from the sources: dossiers, the versions seen of them, transitions, and rows that could not be used.

CREATE TABLE motcua.procedures (
    procedure_code text PRIMARY KEY,
    name text,
    field_name text
);
COMMENT ON TABLE motcua.procedures IS 'Administrative procedures (TTHC) met in dossiers.';
COMMENT ON COLUMN motcua.procedures.procedure_code IS 'Mã TTHC, for example 1.005129.';
COMMENT ON COLUMN motcua.procedures.name IS 'Name, as last seen.';
COMMENT ON COLUMN motcua.procedures.field_name IS 'Field (lĩnh vực), as last seen.';

CREATE TABLE motcua.dossiers (
    dossier_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dossier_code text NOT NULL CHECK (char_length(dossier_code) BETWEEN 1 AND 40),
    procedure_code text REFERENCES motcua.procedures,
    applicant_name text,
    applicant_phone text,
    phone_entered_at timestamptz,
    msisdn text CHECK (msisdn ~ '^\+[0-9]{8,15}$'),
    phone_refusal text,
    phone_notes text[] NOT NULL DEFAULT '{}',
    submitted_via text,
    received_at timestamptz,
    due_at timestamptz,
    step_name text,
    status_code smallint CHECK (status_code BETWEEN 1 AND 10),
    at_one_stop_desk boolean NOT NULL DEFAULT FALSE,
    finished_at timestamptz,
    returned_at timestamptz,
    updated_at timestamptz,
    picked_up_at timestamptz NOT NULL,
    UNIQUE (agency_code, dossier_code),
    CHECK ((msisdn IS NULL) <> (phone_refusal IS NULL))
);
COMMENT ON TABLE motcua.dossiers IS 'Dossiers (hồ sơ), each as last read from its source. Holds personal data.';
COMMENT ON COLUMN motcua.dossiers.dossier_id IS 'Our number.';
COMMENT ON COLUMN motcua.dossiers.source_id IS 'Source it was last read from.';
COMMENT ON COLUMN motcua.dossiers.agency_code IS 'Agency that resolves it.';
COMMENT ON COLUMN motcua.dossiers.dossier_code IS 'Mã hồ sơ as written at the source, trimmed and NFC.';
COMMENT ON COLUMN motcua.dossiers.procedure_code IS 'Procedure.';
COMMENT ON COLUMN motcua.dossiers.applicant_name IS 'Name of the applicant. Personal data.';
COMMENT ON COLUMN motcua.dossiers.applicant_phone IS 'Phone field as typed at the desk. Personal data.';
COMMENT ON COLUMN motcua.dossiers.phone_entered_at IS 'When the phone field was typed; decides how old numbers are read.';
COMMENT ON COLUMN motcua.dossiers.msisdn IS 'The one number that may be texted, E.164. Personal data.';
COMMENT ON COLUMN motcua.dossiers.phone_refusal IS 'Why there is no such number.';
COMMENT ON COLUMN motcua.dossiers.phone_notes IS 'What was noticed while reading the field.';
COMMENT ON COLUMN motcua.dossiers.submitted_via IS 'direct, online or postal.';
COMMENT ON COLUMN motcua.dossiers.received_at IS 'Ngày tiếp nhận.';
COMMENT ON COLUMN motcua.dossiers.due_at IS 'Ngày hẹn trả.';
COMMENT ON COLUMN motcua.dossiers.step_name IS 'Present step, shown to citizens, never compared.';
COMMENT ON COLUMN motcua.dossiers.status_code IS 'National status code 1-10; empty where the source''s code is unknown.';
COMMENT ON COLUMN motcua.dossiers.at_one_stop_desk IS 'The dossier is at the one-stop desk.';
COMMENT ON COLUMN motcua.dossiers.finished_at IS 'Result released.';
COMMENT ON COLUMN motcua.dossiers.returned_at IS 'Result handed to the citizen.';
COMMENT ON COLUMN motcua.dossiers.updated_at IS 'Last change at the source; empty where it lies in the future.';
COMMENT ON COLUMN motcua.dossiers.picked_up_at IS 'When this state was read.';

CREATE TABLE motcua.dossier_versions (
    version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier_id bigint NOT NULL REFERENCES motcua.dossiers,
    seen_at timestamptz NOT NULL,
    updated_at timestamptz,
    procedure_code text,
    applicant_phone text,
    phone_entered_at timestamptz,
    received_at timestamptz,
    due_at timestamptz,
    step_name text,
    status_code smallint,
    at_one_stop_desk boolean NOT NULL,
    finished_at timestamptz,
    returned_at timestamptz
);
CREATE INDEX dossier_versions_dossier ON motcua.dossier_versions (dossier_id, version_id);
COMMENT ON TABLE motcua.dossier_versions IS 'Each version of a dossier''s row that a pick-up saw, append-only. Holds personal data.';
COMMENT ON COLUMN motcua.dossier_versions.version_id IS 'Our number, growing.';
COMMENT ON COLUMN motcua.dossier_versions.dossier_id IS 'The dossier.';
COMMENT ON COLUMN motcua.dossier_versions.seen_at IS 'When the pick-up saw it.';
COMMENT ON COLUMN motcua.dossier_versions.updated_at IS 'Last change at the source.';
COMMENT ON COLUMN motcua.dossier_versions.procedure_code IS 'Procedure in this version.';
COMMENT ON COLUMN motcua.dossier_versions.applicant_phone IS 'Phone field in this version. Personal data.';
COMMENT ON COLUMN motcua.dossier_versions.phone_entered_at IS 'When that phone was typed.';
COMMENT ON COLUMN motcua.dossier_versions.received_at IS 'Date of receipt in this version.';
COMMENT ON COLUMN motcua.dossier_versions.due_at IS 'Due date in this version.';
COMMENT ON COLUMN motcua.dossier_versions.step_name IS 'Step in this version.';
COMMENT ON COLUMN motcua.dossier_versions.status_code IS 'Status in this version.';
COMMENT ON COLUMN motcua.dossier_versions.at_one_stop_desk IS 'Desk flag in this version.';
COMMENT ON COLUMN motcua.dossier_versions.finished_at IS 'Result released, in this version.';
COMMENT ON COLUMN motcua.dossier_versions.returned_at IS 'Result handed over, in this version.';

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
    CHECK (outcome <> 'message' OR message_id IS NOT NULL)
);
CREATE UNIQUE INDEX transitions_from_row ON motcua.transitions (dossier_id, recorded_at) WHERE from_row;
CREATE INDEX transitions_dossier ON motcua.transitions (dossier_id, sequence, from_row, transition_id);
CREATE INDEX transitions_unplanned ON motcua.transitions (dossier_id) WHERE planned_at IS NULL;
CREATE INDEX transitions_recorded ON motcua.transitions (source_id, recorded_at);
COMMENT ON TABLE motcua.transitions IS 'Recorded changes of a dossier''s step or status, each once, whatever is read again.';
COMMENT ON COLUMN motcua.transitions.transition_id IS 'Our number.';
COMMENT ON COLUMN motcua.transitions.source_id IS 'The source.';
COMMENT ON COLUMN motcua.transitions.source_transition_id IS 'The source''s number; empty where only the dossier''s row told of the change.';
COMMENT ON COLUMN motcua.transitions.dossier_id IS 'The dossier.';
COMMENT ON COLUMN motcua.transitions.sequence IS 'Order within the dossier: the source''s number, or the largest one known when a row told of the change.';
COMMENT ON COLUMN motcua.transitions.from_row IS 'Told by the dossier''s row, which was newer than its last transition.';
COMMENT ON COLUMN motcua.transitions.from_step IS 'Step left.';
COMMENT ON COLUMN motcua.transitions.to_step IS 'Step reached.';
COMMENT ON COLUMN motcua.transitions.status_code IS 'National status code 1-10.';
COMMENT ON COLUMN motcua.transitions.at_one_stop_desk IS 'The dossier was at the one-stop desk.';
COMMENT ON COLUMN motcua.transitions.occurred_at IS 'When it happened, cleaned by the rule of docs/guarantees.md.';
COMMENT ON COLUMN motcua.transitions.recorded_at IS 'When the source recorded it, cleaned likewise; backfill windows compare it.';
COMMENT ON COLUMN motcua.transitions.actor IS 'Who did it at the source.';
COMMENT ON COLUMN motcua.transitions.note IS 'Free text of the source, cleaned. May hold personal data.';
COMMENT ON COLUMN motcua.transitions.picked_up_at IS 'When it was read.';
COMMENT ON COLUMN motcua.transitions.planned_at IS 'When it was planned; empty: still to be planned.';
COMMENT ON COLUMN motcua.transitions.outcome IS 'What planning made of it.';
COMMENT ON COLUMN motcua.transitions.message_id IS 'The message of its occasion.';

CREATE FUNCTION motcua.condition_of(status_code smallint, at_one_stop_desk boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN NOT at_one_stop_desk THEN NULL
    WHEN status_code = 9 THEN 'result'
    WHEN status_code = 5 THEN 'supplement'
END;
COMMENT ON FUNCTION motcua.condition_of(smallint, boolean)
IS 'Kind of message that this status calls for: both halves, the status and the desk, must hold.';

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
    UNIQUE (source_id, row_kind, row_key)
);
CREATE INDEX quarantine_open ON motcua.quarantine (source_id, reason) WHERE released_at IS NULL;
COMMENT ON TABLE motcua.quarantine IS 'Rows of a source that could not be used; each is released by itself when its cause goes.';
COMMENT ON COLUMN motcua.quarantine.quarantine_id IS 'Our number.';
COMMENT ON COLUMN motcua.quarantine.source_id IS 'The source.';
COMMENT ON COLUMN motcua.quarantine.row_kind IS 'transition or dossier.';
COMMENT ON COLUMN motcua.quarantine.row_key IS 'Key of the row at the source.';
COMMENT ON COLUMN motcua.quarantine.reason IS 'Why it could not be used.';
COMMENT ON COLUMN motcua.quarantine.agency_code IS 'Agency code as written.';
COMMENT ON COLUMN motcua.quarantine.dossier_code IS 'Dossier code as written, cut to 80 characters.';
COMMENT ON COLUMN motcua.quarantine.status_code IS 'Status code as written.';
COMMENT ON COLUMN motcua.quarantine.payload IS 'The row; of a dossier only its key. May hold personal data in the note of a transition.';
COMMENT ON COLUMN motcua.quarantine.first_seen_at IS 'When it was quarantined.';
COMMENT ON COLUMN motcua.quarantine.last_seen_at IS 'When it was last read and still unusable.';
COMMENT ON COLUMN motcua.quarantine.released_at IS 'When its cause had gone and it went on.';

CREATE TABLE motcua.findings (
    finding_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dossier_id bigint NOT NULL REFERENCES motcua.dossiers,
    transition_id bigint REFERENCES motcua.transitions,
    detail text NOT NULL DEFAULT '',
    found_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (code, dossier_id, transition_id)
);
COMMENT ON TABLE motcua.findings IS 'Data-quality facts noticed about dossiers, each once.';
COMMENT ON COLUMN motcua.findings.finding_id IS 'Our number.';
COMMENT ON COLUMN motcua.findings.code IS 'What was noticed.';
COMMENT ON COLUMN motcua.findings.agency_code IS 'Agency of the dossier.';
COMMENT ON COLUMN motcua.findings.dossier_id IS 'The dossier.';
COMMENT ON COLUMN motcua.findings.transition_id IS 'The transition, where it is about one.';
COMMENT ON COLUMN motcua.findings.detail IS 'Field names and counts; never a value of a personal field.';
COMMENT ON COLUMN motcua.findings.found_at IS 'When it was noticed.';

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.dossier_versions
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

GRANT SELECT, INSERT, UPDATE ON motcua.procedures, motcua.dossiers, motcua.transitions, motcua.quarantine TO motcua_app;
GRANT SELECT, INSERT ON motcua.dossier_versions, motcua.findings TO motcua_app;
