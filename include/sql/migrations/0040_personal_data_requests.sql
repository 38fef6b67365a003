-- depends: 0039_sums
-- Who was given, or had erased, what the ledger holds of a citizen, by which paper: without the number that it was
-- asked by, and without a value of what was given.

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
COMMENT ON COLUMN motcua.personal_data_requests.agency_code IS 'Agency of the dossier that was asked about; empty: it was asked by a phone number.';
COMMENT ON COLUMN motcua.personal_data_requests.dossier_code IS 'Code of that dossier.';
COMMENT ON COLUMN motcua.personal_data_requests.reason IS 'The paper that the request stands in.';
COMMENT ON COLUMN motcua.personal_data_requests.dossiers IS 'Dossiers that it reached.';
COMMENT ON COLUMN motcua.personal_data_requests.held IS 'Values that were held of the citizen then.';
