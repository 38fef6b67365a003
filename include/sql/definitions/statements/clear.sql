-- Empties the schema; whoever comes second waits until the first one's transaction ended.
CREATE OR REPLACE FUNCTION statements.clear() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, statements AS $$
    TRUNCATE statements.lines, statements.ours, statements.pairs
$$;
COMMENT ON FUNCTION statements.clear() IS 'Empties the schema; whoever comes second waits until the first one''s transaction ended.';
