-- The sources' own count by agency, procedure and kind, and how many of it lie before the agency was enabled. Occasions
-- of an agency that nobody knows have an empty one. Called by store/oversight/closings.py.
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
LEFT JOIN motcua.agency_scopes AS c ON o.agency_written = c.written
GROUP BY 1, 2, 3
