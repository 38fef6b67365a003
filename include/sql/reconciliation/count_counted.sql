-- The sources' own count by agency, procedure and kind, and how many of it lie before the agency was enabled. Occasions
-- of an agency that nobody knows have an empty one. Called by store/closings.py.
WITH codes AS (
    SELECT
        g.agency_code AS written,
        g.agency_code,
        g.enabled_from
    FROM motcua.agencies AS g
    UNION ALL
    SELECT
        a.alias AS written,
        a.agency_code,
        n.enabled_from
    FROM motcua.agency_aliases AS a
    INNER JOIN motcua.agencies AS n ON a.agency_code = n.agency_code
)

SELECT
    coalesce(c.agency_code, '') AS agency_code,
    coalesce(o.procedure_code, '') AS procedure_code,
    o.kind,
    count(*) AS at_source,
    count(*) FILTER (
        WHERE c.agency_code IS NOT NULL AND coalesce(
            CASE
                WHEN o.occurred_at >= timestamptz '2000-01-01' THEN least(o.occurred_at, o.recorded_at)
                ELSE o.recorded_at
            END < c.enabled_from, TRUE
        )
    ) AS out_of_scope
FROM motcua.counted_occasions AS o
LEFT JOIN codes AS c ON o.agency_written = c.written
GROUP BY 1, 2, 3
