-- The agency that bears a name, or once bore it, in upper or lower case; NULL: none, or several. Called by functions of
-- this folder alone, which run as the owner.
CREATE OR REPLACE FUNCTION intake.agency_named(written text) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT CASE WHEN min(n.agency_code) = max(n.agency_code) THEN min(n.agency_code) END
    FROM (
        SELECT a.agency_code, a.name FROM motcua.agencies AS a
        UNION ALL
        SELECT a.agency_code, a.short_name FROM motcua.agencies AS a
        UNION ALL
        SELECT f.agency_code, f.name FROM motcua.agency_names AS f
    ) AS n
    WHERE lower(normalize(n.name)) = lower(normalize(written))
$$;
COMMENT ON FUNCTION intake.agency_named(text) IS 'The agency that bears a name, or once bore it.';
