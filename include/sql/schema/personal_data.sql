-- Personal data that went, when its time was over or its citizen asked: what, by whom, by which paper, and no value.

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

-- Without the number that it was asked by, and without a value of what was given.
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
COMMENT ON TABLE motcua.personal_data_requests IS 'Each time that somebody looked at all that is held of a citizen, or had it erased, at the citizen''s request; no number and no value of it. Append-only.';
COMMENT ON COLUMN motcua.personal_data_requests.request_id IS 'Our number.';
COMMENT ON COLUMN motcua.personal_data_requests.handled_at IS 'When.';
COMMENT ON COLUMN motcua.personal_data_requests.handled_by IS 'Who did it. Personal data of staff.';
COMMENT ON COLUMN motcua.personal_data_requests.act IS 'export (all of it was written to a file, numbers in full), erase.';
COMMENT ON COLUMN motcua.personal_data_requests.agency_code IS 'Agency of the dossier, or of the code that no dossier has, that was asked about; empty: it was asked by a phone number.';
COMMENT ON COLUMN motcua.personal_data_requests.dossier_code IS 'That code; a mark instead of what may be a name or a number.';
COMMENT ON COLUMN motcua.personal_data_requests.reason IS 'The paper that the request stands in.';
COMMENT ON COLUMN motcua.personal_data_requests.dossiers IS 'Dossiers that it reached.';
COMMENT ON COLUMN motcua.personal_data_requests.held IS 'Values that were held of the citizen then.';
