-- What auditors may read of publications: the chain of their manifests.
CREATE OR REPLACE VIEW audit.publications AS
SELECT publication_no, closing_no, corrects, folder, manifest_sha256, previous_sha256, manifest, published_at
FROM motcua.publications;
-- And each time that one was verified: when, by whom, with how many differences.
CREATE OR REPLACE VIEW audit.publication_verifications AS
SELECT verification_no, publication_no, verified_at, verified_by, faults
FROM motcua.publication_verifications;
