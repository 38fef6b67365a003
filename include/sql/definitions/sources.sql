-- Sources: what their status codes mean, how a code is mapped, and what auditors may read.

-- List the status codes of sources that are mapped to other, national codes (motcua.status_maps). The codes 1 to 10
-- have a fixed meaning by the source contract (the views that every source must offer), so they cannot be mapped.
-- Earlier versions of this software allowed such a mapping, which holds until ends_at. Read by definitions/pushes.sql
-- and include/sql/sources.sql.
CREATE OR REPLACE VIEW motcua.status_meanings AS
SELECT
    m.source_id,
    m.source_status,
    m.status_code,
    m.mapped_at,
    CASE WHEN m.source_status BETWEEN 1 AND 10 THEN coalesce(m.ends_at, m.mapped_at) END AS ends_at
FROM motcua.status_maps AS m
WHERE m.source_status <> m.status_code;
COMMENT ON VIEW motcua.status_meanings
IS 'Lists the status codes of sources that are mapped to national codes, and until when a mapping holds if it ends.';

-- Map one status code of a source to a national code (motcua.status_maps). Store who mapped the code, when, and the
-- previous mapping (motcua.status_map_changes). The result is FALSE if there is no such source. No other function
-- writes these two tables. The codes 1 to 10 have a fixed meaning by the source contract, so the function refuses to
-- map them. Earlier versions of this software allowed such a mapping. It is revoked by mapping the code to itself.
CREATE OR REPLACE FUNCTION motcua.map_status(
    at_source text, as_written integer, stands_for integer, said_by text, at_moment timestamptz
)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
DECLARE
    the smallint;
    stood_for smallint;
BEGIN
    IF coalesce(btrim(said_by), '') = '' THEN
        RAISE EXCEPTION 'a status is mapped by somebody' USING ERRCODE = 'check_violation';
    END IF;
    IF as_written BETWEEN 1 AND 10 AND stands_for <> as_written THEN
        RAISE EXCEPTION 'status codes 1-10 are the contract''s and are never mapped' USING ERRCODE = 'check_violation';
    END IF;
    -- The row lock lets the second of two transactions see what the first one wrote.
    SELECT s.source_id INTO the FROM motcua.sources AS s WHERE s.name = at_source FOR NO KEY UPDATE;
    IF the IS NULL THEN
        RETURN FALSE;
    END IF;
    SELECT m.status_code INTO stood_for
    FROM motcua.status_maps AS m
    WHERE m.source_id = the AND m.source_status = as_written;
    IF as_written BETWEEN 1 AND 10 AND stood_for IS NULL THEN
        RAISE EXCEPTION 'status codes 1-10 are the contract''s and are never mapped' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO motcua.status_maps (source_id, source_status, status_code, mapped_at)
    VALUES (the, as_written, stands_for, at_moment)
    ON CONFLICT (source_id, source_status)
    DO UPDATE SET status_code = excluded.status_code, mapped_at = excluded.mapped_at;
    IF stood_for IS DISTINCT FROM stands_for THEN
        INSERT INTO motcua.status_map_changes (
            source_id, source_status, status_before, status_code, changed_at, changed_by
        )
        VALUES (the, as_written, stood_for, stands_for, at_moment, said_by);
    END IF;
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION motcua.map_status(text, integer, integer, text, timestamptz)
IS 'Maps a status code of a source to a national code, and stores who did it and the mapping before.';

-- Let auditors read when each source was last read, and how the mappings of status codes changed.
CREATE OR REPLACE VIEW audit.sources AS SELECT source_id, name, picked_up_at, failed_at FROM motcua.sources;
CREATE OR REPLACE VIEW audit.status_map_changes AS
SELECT change_id, source_id, source_status, status_before, status_code, changed_at, changed_by
FROM motcua.status_map_changes;
