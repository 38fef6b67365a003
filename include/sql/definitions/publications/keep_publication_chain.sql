-- Each publication names the hash of the one before it, without a gap.
CREATE OR REPLACE FUNCTION motcua.keep_publication_chain() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE TRIGGER keep_publication_chain BEFORE INSERT ON motcua.publications
FOR EACH ROW EXECUTE FUNCTION motcua.keep_publication_chain();
