-- Has the planner learn how much there is in a table of the snapshot, and how varied a column is.
CREATE OR REPLACE FUNCTION quality.look_at(
    table_name text, column_name text
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, quality AS $$
BEGIN
    EXECUTE format('ANALYZE quality.%I (%I)', table_name, column_name);
END
$$;
COMMENT ON FUNCTION quality.look_at(text, text) IS 'Has the planner learn how much there is in a table of the snapshot, and how varied a column is.';
