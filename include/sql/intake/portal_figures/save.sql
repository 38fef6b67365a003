-- Keeps figures of the portal that say something else than the newest of their agency and period; what was in this very
-- file before adds nothing, also where it was replaced since. Tells those that are new. COMPARING is held. Called by
-- store/intake/portal_figures.py.
INSERT INTO motcua.portal_figures (
    agency_code, period, received, resolved, returned, handed_in_by, handed_in_at, file_name, file_sha256, file_line,
    replaces
)
SELECT
    r.agency_code, r.period, r.received, r.resolved, r.returned, %(handed_in_by)s, %(handed_in_at)s, %(file_name)s,
    %(file_sha256)s, r.file_line, l.figure_no
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text, period text, received integer, resolved integer, returned integer, file_line integer
    )
LEFT JOIN LATERAL (
    SELECT f.figure_no, f.received, f.resolved, f.returned
    FROM motcua.portal_figures AS f
    WHERE f.agency_code = r.agency_code AND f.period = r.period
    ORDER BY f.figure_no DESC
    LIMIT 1
) AS l ON TRUE
WHERE
    (l.figure_no IS NULL OR (l.received, l.resolved, l.returned) IS DISTINCT FROM (r.received, r.resolved, r.returned))
    AND NOT EXISTS (
        SELECT 1 FROM motcua.portal_figures AS s
        WHERE s.agency_code = r.agency_code AND s.period = r.period AND s.file_sha256 = %(file_sha256)s
    )
ORDER BY r.file_line
RETURNING
    figure_no, agency_code, period, received, resolved, returned, handed_in_by, handed_in_at, file_name, file_line,
    replaces
