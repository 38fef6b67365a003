-- The agency that a code or an alias stands for; NULL: none. Called by the functions of this folder alone, which run as
-- the owner.
CREATE OR REPLACE FUNCTION intake.agency_of(written text) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT a.agency_code FROM motcua.agencies AS a WHERE a.agency_code = written
    UNION ALL
    SELECT l.agency_code FROM motcua.agency_aliases AS l WHERE l.alias = written
    LIMIT 1
$$;
COMMENT ON FUNCTION intake.agency_of(text) IS 'The agency that a code or an alias stands for.';
