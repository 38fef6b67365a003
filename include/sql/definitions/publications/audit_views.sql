-- What auditors may read of publications: the chain of their manifests.
CREATE OR REPLACE VIEW audit.publications AS
SELECT publication_no, closing_no, corrects, folder, manifest_sha256, previous_sha256, manifest, published_at
FROM motcua.publications;
