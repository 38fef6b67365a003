-- Records of purges and of citizens' requests. A purge empties personal data whose retention term is over, whose
-- erasure a citizen requested, or which came back with a restore. The records name the tables, but hold no value that
-- was emptied.

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
COMMENT ON TABLE motcua.personal_data_purges IS 'Purges of personal data: how many rows of which table were emptied, by whom and why, without any value. Append-only.';
COMMENT ON COLUMN motcua.personal_data_purges.purge_id IS 'Our number of the purge.';
COMMENT ON COLUMN motcua.personal_data_purges.reference IS 'Reference of the batch of rows that were emptied together. All tables of a batch have the same reference. The list of erasures, which is stored outside the ledger, has this reference too.';
COMMENT ON COLUMN motcua.personal_data_purges.purged_at IS 'When the rows were emptied.';
COMMENT ON COLUMN motcua.personal_data_purges.cause IS 'Why the rows were emptied: term (the time for which they are kept was over), request (a citizen asked for it) or restore (they had been emptied before, and a restore of the ledger had brought the data back).';
COMMENT ON COLUMN motcua.personal_data_purges.of_table IS 'Table whose rows were emptied.';
COMMENT ON COLUMN motcua.personal_data_purges.emptied IS 'Number of emptied rows. For the cause restore it is 0 if the restored ledger had nothing more to empty.';
COMMENT ON COLUMN motcua.personal_data_purges.purged_by IS 'The run, or the person who emptied the rows. Personal data of staff.';
COMMENT ON COLUMN motcua.personal_data_purges.reason IS 'For the cause request: which document holds the citizen''s request. Holds no emptied value.';
COMMENT ON COLUMN motcua.personal_data_purges.run_no IS 'The run of a DAG that emptied the rows; empty: no run of a DAG did.';

CREATE TABLE motcua.personal_data_requests (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    handled_at timestamptz NOT NULL,
    handled_by text NOT NULL CHECK (btrim(handled_by) <> ''),
    act text NOT NULL CHECK (act IN ('export', 'erase')),
    agency_code text,
    dossier_code text,
    reason text NOT NULL CHECK (btrim(reason) <> ''),
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    held integer NOT NULL CHECK (held >= 0),
    CHECK ((agency_code IS NULL) = (dossier_code IS NULL))
);
COMMENT ON TABLE motcua.personal_data_requests IS 'Requests of citizens about their personal data, as staff handled them: a person exported all data that the ledger holds about the citizen, or had it erased. Holds neither the phone number by which the request was made nor a value that was given out. Append-only.';
COMMENT ON COLUMN motcua.personal_data_requests.request_id IS 'Our number of the request.';
COMMENT ON COLUMN motcua.personal_data_requests.handled_at IS 'When the request was handled.';
COMMENT ON COLUMN motcua.personal_data_requests.handled_by IS 'Person who handled the request. Personal data of staff.';
COMMENT ON COLUMN motcua.personal_data_requests.act IS 'What was done: export (all data was written to a file, with phone numbers in full) or erase.';
COMMENT ON COLUMN motcua.personal_data_requests.agency_code IS 'The agency that the request named, together with a dossier code, even if no dossier has this code; empty: the request named a phone number.';
COMMENT ON COLUMN motcua.personal_data_requests.dossier_code IS 'Dossier code that the request named, or a pseudonym if the code may be a person''s name or number; empty: the request named a phone number.';
COMMENT ON COLUMN motcua.personal_data_requests.reason IS 'Which document holds the citizen''s request.';
COMMENT ON COLUMN motcua.personal_data_requests.dossiers IS 'Number of dossiers that the request concerned.';
COMMENT ON COLUMN motcua.personal_data_requests.held IS 'Number of values about the citizen that the ledger held at that time.';
