-- Dossiers as they were read from the sources, the versions seen of them, and those whose phone changed.

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
    stamped_at timestamptz,
    picked_up_at timestamptz NOT NULL,
    -- Marks that tell "emptied" from "never known".
    purged_at timestamptz,
    erase_asked_at timestamptz,
    UNIQUE (agency_code, dossier_code),
    -- Times that no job can hold, and codes that cannot be printed, are refused by the ledger itself, whoever writes
    -- them: pick-up never does, and one time typed by hand (infinity, the year 294276) would stop planning, the
    -- evening, the check and the closings of every agency.
    CONSTRAINT times_can_be CHECK (
        coalesce(
            least(phone_entered_at, received_at, due_at, finished_at, returned_at, updated_at, picked_up_at)
            >= timestamptz '2000-01-01 00:00:00+00'
            AND greatest(phone_entered_at, received_at, due_at, finished_at, returned_at, updated_at, picked_up_at)
            < timestamptz '9000-01-01 00:00:00+00', TRUE
        )
    ),
    CONSTRAINT code_can_be_printed CHECK (
        dossier_code = btrim(dossier_code)
        AND dossier_code !~ '[\u0001-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]'
    ),
    CONSTRAINT dossiers_check CHECK (
        CASE
            WHEN purged_at IS NULL THEN (msisdn IS NULL) <> (phone_refusal IS NULL)
            ELSE num_nonnulls(applicant_name, applicant_phone, msisdn) = 0
        END
    ),
    CONSTRAINT purge_times_can_be CHECK (
        coalesce(
            least(purged_at, erase_asked_at) >= timestamptz '2000-01-01 00:00:00+00'
            AND greatest(purged_at, erase_asked_at) < timestamptz '9000-01-01 00:00:00+00', TRUE
        )
    ),
    CONSTRAINT stamp_can_be CHECK (
        coalesce(
            stamped_at >= timestamptz '2000-01-01 00:00:00+00'
            AND stamped_at < timestamptz '9000-01-01 00:00:00+00', TRUE
        )
    )
);
CREATE INDEX dossiers_code_key ON motcua.dossiers (motcua.code_key(dossier_code));
-- At the counter a dossier is found by the last signs of its code, within an agency.
CREATE INDEX dossiers_code_tail ON motcua.dossiers (
    agency_code, (reverse(translate(motcua.code_key(dossier_code), './-', '')) COLLATE "C")
);
-- A dossier is found by the number that is on it.
CREATE INDEX dossiers_msisdn ON motcua.dossiers (msisdn) WHERE msisdn IS NOT NULL;
CREATE INDEX dossiers_unpurged ON motcua.dossiers (dossier_id) WHERE purged_at IS NULL;
-- The first dossier of an agency, and the sources that hold any, are found without the others' dossiers.
CREATE INDEX dossiers_of_agency ON motcua.dossiers (agency_code, source_id, dossier_id);
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
COMMENT ON COLUMN motcua.dossiers.phone_refusal IS 'Why there is no such number; empty where there is one, or was one that was emptied.';
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
COMMENT ON COLUMN motcua.dossiers.stamped_at IS 'When the row was written, as the source has it, where that cannot be true; updated_at is then when it was read. Empty: it is updated_at.';
COMMENT ON COLUMN motcua.dossiers.picked_up_at IS 'When this state was read.';
COMMENT ON COLUMN motcua.dossiers.purged_at IS 'When name and numbers were emptied; empty: they are as last read. A dossier that is open again is read anew.';
COMMENT ON COLUMN motcua.dossiers.erase_asked_at IS 'Since when it is to be emptied as soon as it has ended and nothing waits, whatever its agency''s term: a citizen asked for it, or it had been emptied before a restore.';

CREATE TABLE motcua.dossier_versions (
    version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier_id bigint NOT NULL REFERENCES motcua.dossiers,
    seen_at timestamptz NOT NULL,
    updated_at timestamptz,
    procedure_code text,
    applicant_phone text,
    phone_entered_at timestamptz,
    -- Kept with each version, too: a source that mends it later must not change what a closing counted, or a true
    -- publication would not verify any more.
    submitted_via text DEFAULT '',
    received_at timestamptz,
    due_at timestamptz,
    step_name text,
    status_code smallint,
    at_one_stop_desk boolean NOT NULL,
    finished_at timestamptz,
    returned_at timestamptz,
    purged_at timestamptz,
    CONSTRAINT times_can_be CHECK (
        coalesce(
            least(seen_at, updated_at, phone_entered_at, received_at, due_at, finished_at, returned_at)
            >= timestamptz '2000-01-01 00:00:00+00'
            AND greatest(seen_at, updated_at, phone_entered_at, received_at, due_at, finished_at, returned_at)
            < timestamptz '9000-01-01 00:00:00+00', TRUE
        )
    ),
    CONSTRAINT dossier_versions_purged CHECK (purged_at IS NULL OR applicant_phone IS NULL),
    CONSTRAINT purge_time_can_be CHECK (
        purged_at >= timestamptz '2000-01-01 00:00:00+00' AND purged_at < timestamptz '9000-01-01 00:00:00+00'
    )
);
CREATE INDEX dossier_versions_dossier ON motcua.dossier_versions (dossier_id, version_id);
-- Who had this due date, in whatever version: the first question of an evening and of its accounting.
CREATE INDEX dossier_versions_due ON motcua.dossier_versions (((due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date));
COMMENT ON TABLE motcua.dossier_versions IS 'Each version of a dossier''s row that a pick-up saw, append-only. Holds personal data.';
COMMENT ON COLUMN motcua.dossier_versions.version_id IS 'Our number, growing.';
COMMENT ON COLUMN motcua.dossier_versions.dossier_id IS 'The dossier.';
COMMENT ON COLUMN motcua.dossier_versions.seen_at IS 'When the pick-up saw it.';
COMMENT ON COLUMN motcua.dossier_versions.updated_at IS 'Last change at the source.';
COMMENT ON COLUMN motcua.dossier_versions.procedure_code IS 'Procedure in this version.';
COMMENT ON COLUMN motcua.dossier_versions.applicant_phone IS 'Phone field in this version. Personal data.';
COMMENT ON COLUMN motcua.dossier_versions.phone_entered_at IS 'When that phone was typed.';
COMMENT ON COLUMN motcua.dossier_versions.submitted_via IS 'How it was submitted, in this version; empty text: it was not kept yet, and what the dossier''s row says is taken.';
COMMENT ON COLUMN motcua.dossier_versions.received_at IS 'Date of receipt in this version.';
COMMENT ON COLUMN motcua.dossier_versions.due_at IS 'Due date in this version.';
COMMENT ON COLUMN motcua.dossier_versions.step_name IS 'Step in this version.';
COMMENT ON COLUMN motcua.dossier_versions.status_code IS 'Status in this version.';
COMMENT ON COLUMN motcua.dossier_versions.at_one_stop_desk IS 'Desk flag in this version.';
COMMENT ON COLUMN motcua.dossier_versions.finished_at IS 'Result released, in this version.';
COMMENT ON COLUMN motcua.dossier_versions.returned_at IS 'Result handed over, in this version.';
COMMENT ON COLUMN motcua.dossier_versions.purged_at IS 'When the phone field was emptied, or that of a row that was read again after its end.';

-- Dossiers whose phone was read anew, or one of whose messages failed, since a plan last compared the two. A row for
-- each such change, in the transaction of the change: whoever sees it sees the change, and takes no later one away.
CREATE TABLE motcua.phone_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier_id bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE motcua.phone_changes IS 'Dossiers whose messages and phone are to be compared: either has changed since planning last did so.';
COMMENT ON COLUMN motcua.phone_changes.change_id IS 'Our number, growing.';
COMMENT ON COLUMN motcua.phone_changes.dossier_id IS 'The dossier.';
