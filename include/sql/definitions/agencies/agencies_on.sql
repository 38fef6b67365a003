-- For each agency: who is in charge of its dossiers on that day (empty: nobody), and the names then in force.
CREATE OR REPLACE FUNCTION motcua.agencies_on(day date)
RETURNS TABLE (agency_code text, in_charge text, name text, short_name text)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE chain AS (
        SELECT g.agency_code, g.agency_code AS last_code, g.valid_until, g.successor_code, ARRAY[g.agency_code] AS path
        FROM motcua.agencies AS g
        UNION ALL
        SELECT c.agency_code, s.agency_code, s.valid_until, s.successor_code, c.path || s.agency_code
        FROM chain AS c
        INNER JOIN motcua.agencies AS s ON c.successor_code = s.agency_code
        WHERE c.valid_until < day AND s.agency_code <> ALL (c.path)
    ),
    ends AS (
        SELECT DISTINCT ON (c.agency_code)
            c.agency_code, c.last_code, coalesce(c.valid_until >= day, TRUE) AS exists_then
        FROM chain AS c
        ORDER BY c.agency_code, cardinality(c.path) DESC
    )
    SELECT
        e.agency_code,
        CASE WHEN e.exists_then THEN e.last_code END,
        coalesce(f.name, g.name),
        CASE WHEN f.name IS NULL THEN g.short_name ELSE f.short_name END
    FROM ends AS e
    INNER JOIN motcua.agencies AS g ON e.last_code = g.agency_code
    LEFT JOIN LATERAL (
        SELECT n.name, n.short_name
        FROM motcua.agency_names AS n
        WHERE n.agency_code = e.last_code AND n.valid_until >= day
        ORDER BY n.valid_until
        LIMIT 1
    ) AS f ON TRUE
$$;
COMMENT ON FUNCTION motcua.agencies_on(date)
IS 'For each agency: who is in charge of its dossiers on that day (empty: nobody), and the names then in force.';
