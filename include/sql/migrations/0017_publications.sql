-- depends: 0016_carrier_statements
-- Publications: reports of closings, never changed, each chained to the one before. Their numbers have no gaps: one
-- that was taken away would be missed.

CREATE TABLE motcua.publications (
    publication_no bigint PRIMARY KEY CHECK (publication_no > 0),
    closing_no bigint NOT NULL UNIQUE REFERENCES motcua.closings,
    corrects bigint REFERENCES motcua.publications,
    folder text NOT NULL UNIQUE,
    manifest_sha256 text NOT NULL UNIQUE CHECK (manifest_sha256 ~ '^[0-9a-f]{64}$'),
    previous_sha256 text NOT NULL UNIQUE CHECK (previous_sha256 ~ '^[0-9a-f]{64}$'),
    manifest jsonb NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE motcua.publications IS 'Published reports, append-only: each manifest names the hash of the one before.';
COMMENT ON COLUMN motcua.publications.publication_no IS 'Our number: one more than that of the publication before.';
COMMENT ON COLUMN motcua.publications.closing_no IS 'The closing it tells of.';
COMMENT ON COLUMN motcua.publications.corrects IS 'The publication that it corrects.';
COMMENT ON COLUMN motcua.publications.folder IS 'Folder below the store of publications.';
COMMENT ON COLUMN motcua.publications.manifest_sha256 IS 'SHA-256 of manifest.json.';
COMMENT ON COLUMN motcua.publications.previous_sha256 IS 'That of the publication before; 64 zeros for the first one.';
COMMENT ON COLUMN motcua.publications.manifest IS 'The manifest: files with their hashes and rows, queries with theirs, the cut-off.';
COMMENT ON COLUMN motcua.publications.published_at IS 'When it was published.';

CREATE FUNCTION motcua.keep_publication_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_no bigint;
    last_sha256 text;
BEGIN
    SELECT p.publication_no, p.manifest_sha256 INTO last_no, last_sha256
    FROM motcua.publications AS p
    ORDER BY p.publication_no DESC
    LIMIT 1;
    IF
        (NEW.publication_no, NEW.previous_sha256)
        IS DISTINCT FROM (coalesce(last_no, 0) + 1, coalesce(last_sha256, repeat('0', 64)))
    THEN
        RAISE EXCEPTION 'publication % does not follow publication %', NEW.publication_no, coalesce(last_no, 0)
        USING ERRCODE = 'MC001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_publication_chain BEFORE INSERT ON motcua.publications
FOR EACH ROW EXECUTE FUNCTION motcua.keep_publication_chain();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.publications
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

GRANT SELECT, INSERT ON motcua.publications TO motcua_app;

CREATE VIEW audit.publications AS
SELECT publication_no, closing_no, corrects, folder, manifest_sha256, previous_sha256, manifest, published_at
FROM motcua.publications;
GRANT SELECT ON audit.publications TO motcua_audit, motcua_app;
