-- Makes room for the next comparison.
CREATE OR REPLACE FUNCTION motcua.empty_counted_occasions() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    TRUNCATE motcua.counted_occasions
$$;
COMMENT ON FUNCTION motcua.empty_counted_occasions() IS 'Makes room for the next comparison.';
