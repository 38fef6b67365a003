-- Records of personal data that was emptied after its term or at a citizen's request: what, by whom and by which
-- document, without any value.

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
COMMENT ON COLUMN motcua.personal_data_purges.reference IS 'Reference of the batch, which is also in the list of erasures outside the ledger; the same for all tables of a batch.';
COMMENT ON COLUMN motcua.personal_data_purges.purged_at IS 'When the rows were emptied.';
COMMENT ON COLUMN motcua.personal_data_purges.cause IS 'Cause: term (the term was over), request (a citizen asked for it) or restore (the rows had been emptied before the ledger was restored).';
COMMENT ON COLUMN motcua.personal_data_purges.of_table IS 'Table whose rows were emptied.';
COMMENT ON COLUMN motcua.personal_data_purges.emptied IS 'Number of emptied rows; 0 if the listed rows are not in a restored ledger.';
COMMENT ON COLUMN motcua.personal_data_purges.purged_by IS 'The run, or the person who emptied the rows. Personal data of staff.';
COMMENT ON COLUMN motcua.personal_data_purges.reason IS 'For a request: the document with the citizen''s request. Holds no emptied value.';
COMMENT ON COLUMN motcua.personal_data_purges.run_no IS 'The run of a DAG that emptied the rows; empty: none.';

-- The table holds neither the phone number by which a request was made nor a value that was given out.
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
COMMENT ON TABLE motcua.personal_data_requests IS 'Requests of citizens: a person read all data that the ledger holds of the citizen, or had it erased. Holds no phone number and no value. Append-only.';
COMMENT ON COLUMN motcua.personal_data_requests.request_id IS 'Our number of the request.';
COMMENT ON COLUMN motcua.personal_data_requests.handled_at IS 'When the request was handled.';
COMMENT ON COLUMN motcua.personal_data_requests.handled_by IS 'Person who handled the request. Personal data of staff.';
COMMENT ON COLUMN motcua.personal_data_requests.act IS 'Act: export (all data was written to a file, with numbers in full) or erase.';
COMMENT ON COLUMN motcua.personal_data_requests.agency_code IS 'Agency of the dossier, or of a code that no dossier has; empty: the request named a phone number.';
COMMENT ON COLUMN motcua.personal_data_requests.dossier_code IS 'Code of the dossier; a pseudonym if the code may be a name or a number.';
COMMENT ON COLUMN motcua.personal_data_requests.reason IS 'The document with the citizen''s request.';
COMMENT ON COLUMN motcua.personal_data_requests.dossiers IS 'Number of dossiers in the request.';
COMMENT ON COLUMN motcua.personal_data_requests.held IS 'Number of values that the ledger held of the citizen at that time.';
