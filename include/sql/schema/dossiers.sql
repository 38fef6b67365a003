-- Dossiers as last read from the sources, their versions, and the dossiers whose phone number changed. A pick-up is the
-- reading of a source's new rows. A closing is the stored figures of a finished day, month, quarter or year.

CREATE TABLE motcua.procedures (
    procedure_code text PRIMARY KEY,
    name text,
    field_name text
);
COMMENT ON TABLE motcua.procedures IS 'Administrative procedures (TTHC) of dossiers.';
COMMENT ON COLUMN motcua.procedures.procedure_code IS 'Code of the procedure (mã TTHC), for example 1.005129.';
COMMENT ON COLUMN motcua.procedures.name IS 'Name of the procedure, as last read from a source.';
COMMENT ON COLUMN motcua.procedures.field_name IS 'Field (lĩnh vực) of the procedure, as last read from a source.';

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
    -- If the name or the phone number is missing, purged_at shows whether the value was emptied or never known.
    purged_at timestamptz,
    erase_asked_at timestamptz,
    UNIQUE (agency_code, dossier_code),
    -- The ledger refuses times that Python cannot represent and codes that cannot be printed. Pick-ups never write such
    -- values, but a person may type them by hand. A single such time (infinity, the year 294276) would stop the
    -- planning of messages, the evening's apologies, the check of data quality and the closings, for every agency.
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
-- With this index, staff at the counter find a dossier of an agency by the last characters of the dossier's code.
CREATE INDEX dossiers_code_tail ON motcua.dossiers (
    agency_code, (reverse(translate(motcua.code_key(dossier_code), './-', '')) COLLATE "C")
);
CREATE INDEX dossiers_msisdn ON motcua.dossiers (msisdn) WHERE msisdn IS NOT NULL;
CREATE INDEX dossiers_unpurged ON motcua.dossiers (dossier_id) WHERE purged_at IS NULL;
-- With this index, PostgreSQL finds an agency's first dossier, and the sources of the agency's dossiers, without
-- reading other rows.
CREATE INDEX dossiers_of_agency ON motcua.dossiers (agency_code, source_id, dossier_id);
COMMENT ON TABLE motcua.dossiers IS 'Dossiers (hồ sơ), each as last read from its source. Holds personal data.';
COMMENT ON COLUMN motcua.dossiers.dossier_id IS 'Our number of the dossier.';
COMMENT ON COLUMN motcua.dossiers.source_id IS 'Source that the dossier was last read from.';
COMMENT ON COLUMN motcua.dossiers.agency_code IS 'Agency that resolves the dossier.';
COMMENT ON COLUMN motcua.dossiers.dossier_code IS 'Code of the dossier (mã hồ sơ) as the source writes it, trimmed and in the form NFC.';
COMMENT ON COLUMN motcua.dossiers.procedure_code IS 'Code of the dossier''s procedure.';
COMMENT ON COLUMN motcua.dossiers.applicant_name IS 'Name of the applicant. Personal data.';
COMMENT ON COLUMN motcua.dossiers.applicant_phone IS 'Phone field as typed at the desk. Personal data.';
COMMENT ON COLUMN motcua.dossiers.phone_entered_at IS 'When the phone field was typed. The phone number in the field is read by the numbering plan of that day.';
COMMENT ON COLUMN motcua.dossiers.msisdn IS 'The phone number to which messages about the dossier may be sent, E.164. Personal data.';
COMMENT ON COLUMN motcua.dossiers.phone_refusal IS 'Reason why the phone field gives no number that may be texted; empty if it gives one, or gave one that was emptied.';
COMMENT ON COLUMN motcua.dossiers.phone_notes IS 'Notes on how a number was found in the phone field.';
COMMENT ON COLUMN motcua.dossiers.submitted_via IS 'How the dossier was submitted: direct, online or postal.';
COMMENT ON COLUMN motcua.dossiers.received_at IS 'When the dossier was received (ngày tiếp nhận).';
COMMENT ON COLUMN motcua.dossiers.due_at IS 'When the result is due (ngày hẹn trả).';
COMMENT ON COLUMN motcua.dossiers.step_name IS 'Name of the present step. It is only shown; no decision depends on it.';
COMMENT ON COLUMN motcua.dossiers.status_code IS 'National status code 1-10; empty if the source''s code is unknown.';
COMMENT ON COLUMN motcua.dossiers.at_one_stop_desk IS 'Whether the dossier is at the one-stop desk.';
COMMENT ON COLUMN motcua.dossiers.finished_at IS 'When the result was ready (ngày có kết quả).';
COMMENT ON COLUMN motcua.dossiers.returned_at IS 'When the result was handed to the citizen.';
COMMENT ON COLUMN motcua.dossiers.updated_at IS 'Time of the last change at the source. If the time that the source gives cannot be true, for example because it lies in the future: the time of reading, or empty.';
COMMENT ON COLUMN motcua.dossiers.stamped_at IS 'Time of the last change as the source gives it, if updated_at is not that time because it cannot be true. Empty: updated_at is the source''s time.';
COMMENT ON COLUMN motcua.dossiers.picked_up_at IS 'When this state of the dossier was read from the source.';
COMMENT ON COLUMN motcua.dossiers.purged_at IS 'When the name and phone numbers were emptied; empty: the name and phone numbers are as last read from the source. If the source opens the dossier again, the next reading stores them again.';
COMMENT ON COLUMN motcua.dossiers.erase_asked_at IS 'Since when the dossier waits for erasure, because a citizen asked for it or because a restore brought back data that had been emptied. The dossier''s personal data is emptied once the dossier has ended, without waiting for the agency''s retention term, but not while a complaint is open or a message may still be sent or settled.';

CREATE TABLE motcua.dossier_versions (
    version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier_id bigint NOT NULL REFERENCES motcua.dossiers,
    seen_at timestamptz NOT NULL,
    updated_at timestamptz,
    procedure_code text,
    applicant_phone text,
    phone_entered_at timestamptz,
    -- The version also stores how the dossier was submitted. Otherwise a later correction in the source would change
    -- what a closing counted, and the verification of the published closing would fail.
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
-- With this index, PostgreSQL finds all dossiers that were due on a day in any of their versions. The evening's
-- apologies use the index, and so does the query that compares messages with the events that need a message (the
-- accounting identity).
CREATE INDEX dossier_versions_due ON motcua.dossier_versions (((due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date));
COMMENT ON TABLE motcua.dossier_versions IS 'Each version of a dossier''s row that was read from a source, append-only. Holds personal data.';
COMMENT ON COLUMN motcua.dossier_versions.version_id IS 'Our number of the row, growing.';
COMMENT ON COLUMN motcua.dossier_versions.dossier_id IS 'The dossier whose row was read.';
COMMENT ON COLUMN motcua.dossier_versions.seen_at IS 'When the version was read.';
COMMENT ON COLUMN motcua.dossier_versions.updated_at IS 'Time of the dossier''s last change at the source, in this version.';
COMMENT ON COLUMN motcua.dossier_versions.procedure_code IS 'Code of the dossier''s procedure in this version.';
COMMENT ON COLUMN motcua.dossier_versions.applicant_phone IS 'Phone field in this version. Personal data.';
COMMENT ON COLUMN motcua.dossier_versions.phone_entered_at IS 'When the phone field of this version was typed.';
COMMENT ON COLUMN motcua.dossier_versions.submitted_via IS 'How the dossier was submitted, in this version; empty text: the version is older than this column, and motcua.dossiers has the value.';
COMMENT ON COLUMN motcua.dossier_versions.received_at IS 'When the dossier was received, in this version.';
COMMENT ON COLUMN motcua.dossier_versions.due_at IS 'When the result is due, in this version.';
COMMENT ON COLUMN motcua.dossier_versions.step_name IS 'Name of the dossier''s step in this version.';
COMMENT ON COLUMN motcua.dossier_versions.status_code IS 'National status code in this version.';
COMMENT ON COLUMN motcua.dossier_versions.at_one_stop_desk IS 'Whether the dossier was at the one-stop desk, in this version.';
COMMENT ON COLUMN motcua.dossier_versions.finished_at IS 'When the result was ready, in this version.';
COMMENT ON COLUMN motcua.dossier_versions.returned_at IS 'When the result was handed over, in this version.';
COMMENT ON COLUMN motcua.dossier_versions.purged_at IS 'When the phone field was emptied. A version that is read later, while the dossier is still ended, has no phone field and gets the same purged_at.';

-- Dossiers whose phone number must be compared with their messages by the next planning of messages. A dossier is
-- inserted when its phone number changes or one of its messages fails. The row is inserted in the transaction of the
-- change, so a run that sees the row also sees the change. The run deletes only the rows that it sees, so the row of a
-- later change stays for the next run.
CREATE TABLE motcua.phone_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dossier_id bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE motcua.phone_changes IS 'Dossiers whose messages and phone must be compared, because one of them has changed since the planning of messages last compared them.';
COMMENT ON COLUMN motcua.phone_changes.change_id IS 'Our number of the row, growing.';
COMMENT ON COLUMN motcua.phone_changes.dossier_id IS 'The dossier whose messages and phone must be compared.';
