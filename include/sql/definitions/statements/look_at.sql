-- Has the planner know how much is in a table that was just filled.
CREATE OR REPLACE FUNCTION statements.look_at(table_name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, statements AS $$
BEGIN
    EXECUTE format('ANALYZE statements.%I', table_name);
END
$$;
COMMENT ON FUNCTION statements.look_at(text) IS 'Has the planner know how much is in a table that was just filled.';
