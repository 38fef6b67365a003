-- Tells the planner what the comparison holds.
CREATE OR REPLACE FUNCTION motcua.look_at_counted_occasions() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    ANALYZE motcua.counted_occasions
$$;
COMMENT ON FUNCTION motcua.look_at_counted_occasions() IS 'Tells the planner what the comparison holds.';
