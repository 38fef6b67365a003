-- depends: 0036_browsing
-- Personal data goes when its time is over: marks that tell "emptied" from "never known", and who emptied what. What
-- may be emptied, by whom and when stands in include/sql/definitions/personal_data.

ALTER TABLE motcua.dossiers ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN motcua.dossiers.purged_at IS 'When name and numbers were emptied; empty: they are as last read. A dossier that is open again is read anew.';
ALTER TABLE motcua.dossiers ADD COLUMN erase_asked_at timestamptz;
COMMENT ON COLUMN motcua.dossiers.erase_asked_at IS 'Since when it is to be emptied as soon as it has ended and nothing waits, whatever its agency''s term: a citizen asked for it, or it had been emptied before a restore.';
ALTER TABLE motcua.dossiers DROP CONSTRAINT dossiers_check;
ALTER TABLE motcua.dossiers ADD CONSTRAINT dossiers_check CHECK (
    CASE
        WHEN purged_at IS NULL THEN (msisdn IS NULL) <> (phone_refusal IS NULL)
        ELSE num_nonnulls(applicant_name, applicant_phone, msisdn) = 0
    END
);
COMMENT ON COLUMN motcua.dossiers.phone_refusal IS 'Why there is no such number; empty where there is one, or was one that was emptied.';
ALTER TABLE motcua.dossiers ADD CONSTRAINT purge_times_can_be CHECK (
    coalesce(
        least(purged_at, erase_asked_at) >= timestamptz '2000-01-01 00:00:00+00'
        AND greatest(purged_at, erase_asked_at) < timestamptz '9000-01-01 00:00:00+00', TRUE
    )
);
CREATE INDEX dossiers_unpurged ON motcua.dossiers (dossier_id) WHERE purged_at IS NULL;

ALTER TABLE motcua.dossier_versions ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN motcua.dossier_versions.purged_at IS 'When the phone field was emptied, or that of a row that was read again after its end.';
ALTER TABLE motcua.dossier_versions ADD CONSTRAINT dossier_versions_purged
CHECK (purged_at IS NULL OR applicant_phone IS NULL);
ALTER TABLE motcua.dossier_versions ADD CONSTRAINT purge_time_can_be CHECK (
    purged_at >= timestamptz '2000-01-01 00:00:00+00' AND purged_at < timestamptz '9000-01-01 00:00:00+00'
);

ALTER TABLE motcua.messages ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN motcua.messages.purged_at IS 'When its number and words were emptied; such a message never goes again.';
ALTER TABLE motcua.messages ADD CONSTRAINT messages_purged
CHECK (purged_at IS NULL OR (msisdn IS NULL AND text = '' AND parameters = '{}'));

ALTER TABLE motcua.attempts ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN motcua.attempts.purged_at IS 'When the number was emptied.';
ALTER TABLE motcua.attempts ALTER COLUMN msisdn DROP NOT NULL;
ALTER TABLE motcua.attempts ADD CONSTRAINT attempts_number CHECK ((msisdn IS NULL) = (purged_at IS NOT NULL));

ALTER TABLE motcua.receipts ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN motcua.receipts.purged_at IS 'When what was received was emptied.';
CREATE INDEX receipts_unpurged ON motcua.receipts (receipt_id) WHERE purged_at IS NULL;

ALTER TABLE motcua.inquiries ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN motcua.inquiries.purged_at IS 'When phone and words were emptied.';
CREATE INDEX inquiries_unpurged ON motcua.inquiries (inquiry_id) WHERE purged_at IS NULL;
-- Its trigger is defined anew by may_only_be_emptied.
DROP TRIGGER keep_inquiry ON motcua.inquiries;
DROP FUNCTION motcua.keep_inquiry();

ALTER TABLE motcua.complaints ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN motcua.complaints.purged_at IS 'When its words were emptied last.';

ALTER TABLE motcua.quarantine ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN motcua.quarantine.purged_at IS 'When its words were emptied; what the row is found by at its source is kept.';

CREATE TABLE motcua.personal_data_purges (
    purge_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference text NOT NULL CHECK (reference ~ '^[0-9a-f]{32}$'),
    purged_at timestamptz NOT NULL,
    cause text NOT NULL CHECK (cause IN ('term', 'request', 'restore')),
    of_table text NOT NULL CHECK (of_table ~ '^[a-z_]+$'),
    emptied integer NOT NULL CHECK (emptied >= 0),
    purged_by text NOT NULL CHECK (btrim(purged_by) <> ''),
    reason text CHECK (btrim(reason) <> ''),
    run_no bigint DEFAULT (nullif(current_setting('motcua.run', TRUE), ''))::bigint,
    CHECK (cause <> 'request' OR reason IS NOT NULL)
);
CREATE INDEX personal_data_purges_reference ON motcua.personal_data_purges (reference);
CREATE INDEX personal_data_purges_run ON motcua.personal_data_purges (run_no) WHERE run_no IS NOT NULL;
COMMENT ON TABLE motcua.personal_data_purges IS 'Each time that personal data was emptied: how many rows of which table, by whom and why; no value of any. Append-only.';
COMMENT ON COLUMN motcua.personal_data_purges.purge_id IS 'Our number.';
COMMENT ON COLUMN motcua.personal_data_purges.reference IS 'The same in the list of the erased, which is kept outside the ledger; one for all tables of a batch.';
COMMENT ON COLUMN motcua.personal_data_purges.purged_at IS 'When.';
COMMENT ON COLUMN motcua.personal_data_purges.cause IS 'term (its time was over), request (a citizen asked for it), restore (it had been emptied before the ledger was restored).';
COMMENT ON COLUMN motcua.personal_data_purges.of_table IS 'Table whose rows were emptied.';
COMMENT ON COLUMN motcua.personal_data_purges.emptied IS 'Rows emptied; 0 where what was listed is not in a restored ledger.';
COMMENT ON COLUMN motcua.personal_data_purges.purged_by IS 'The run, or who did it. Personal data of staff.';
COMMENT ON COLUMN motcua.personal_data_purges.reason IS 'Of a request: the paper that it stands in. Holds no value of what was emptied.';
COMMENT ON COLUMN motcua.personal_data_purges.run_no IS 'The run of a DAG that did it; empty: none.';

COMMENT ON COLUMN motcua.agencies.retention IS 'Numbers, names and words are kept this long after a dossier''s end, and emptied in the night after that.';
