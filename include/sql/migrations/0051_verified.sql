-- depends: 0050_form
-- When a publication was last verified, by whom, and whether it held.

CREATE TABLE motcua.publication_verifications (
    verification_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    publication_no bigint NOT NULL REFERENCES motcua.publications,
    verified_at timestamptz NOT NULL,
    verified_by text NOT NULL CHECK (btrim(verified_by) <> ''),
    faults integer NOT NULL CHECK (faults >= 0)
);
CREATE INDEX publication_verifications_last ON motcua.publication_verifications (publication_no, verification_no);
CREATE INDEX publication_verifications_not_holding ON motcua.publication_verifications (publication_no, verification_no)
WHERE faults > 0;
CREATE INDEX publication_verifications_run ON motcua.publication_verifications (verified_by);
COMMENT ON TABLE motcua.publication_verifications IS 'Each time that a publication in its store was verified: its files, its place in the chain, its figures against the facts; no value of any. Append-only.';
COMMENT ON COLUMN motcua.publication_verifications.verification_no IS 'Our number.';
COMMENT ON COLUMN motcua.publication_verifications.publication_no IS 'The publication.';
COMMENT ON COLUMN motcua.publication_verifications.verified_at IS 'When it was begun: what was changed later was not looked at.';
COMMENT ON COLUMN motcua.publication_verifications.verified_by IS 'The run, or who did it. Personal data of staff.';
COMMENT ON COLUMN motcua.publication_verifications.faults IS 'Differences found; 0: everything held.';
