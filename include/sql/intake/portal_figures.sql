-- Store the national portal's figures of an agency for a period, and return the figures of closings with which they are
-- compared. A closing is the stored figures of a finished period. Called by store/intake/portal_figures.py.

-- name: save
-- Insert figures of the portal that differ from the newest figures of their agency and period, and return them
-- (motcua.portal_figures). Figures that came from the same file before are not inserted again, even if they were
-- replaced in the meantime. The caller holds the advisory lock COMPARING (store/ledger/locks.py).
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
    replaces;

-- name: of_periods
-- Return the portal's figures of some periods, for one agency or all, in the order of their insertion
-- (audit.portal_figures).
SELECT
    f.figure_no, f.agency_code, f.period, f.received, f.resolved, f.returned, f.handed_in_by, f.handed_in_at,
    f.file_name, f.file_line, f.replaces
FROM audit.portal_figures AS f
WHERE f.period = any(%(periods)s) AND (%(agency_code)s::text IS NULL OR f.agency_code = %(agency_code)s)
ORDER BY f.figure_no;

-- name: counted
-- Return the figures of agencies in the closings of some periods, in the order of the closings
-- (audit.closing_dossier_sums). Only agencies and periods for which the ledger has figures of the portal are returned.
-- If a closing is given (up_to), later closings are left out. An agency without dossiers has zeros.
SELECT
    c.closing_no,
    c.as_of,
    c.period,
    f.agency_code,
    coalesce(s.received, 0)::bigint AS received,
    coalesce(s.resolved_early + s.resolved_on_time + s.resolved_late + s.resolved_without_due, 0)::bigint AS resolved,
    coalesce(s.handed_over, 0)::bigint AS returned
FROM audit.closings AS c
INNER JOIN (
    SELECT DISTINCT p.period, p.agency_code FROM audit.portal_figures AS p
    WHERE p.period = any(%(periods)s) AND (%(agency_code)s::text IS NULL OR p.agency_code = %(agency_code)s)
) AS f ON c.period = f.period
LEFT JOIN audit.closing_dossier_sums AS s ON c.closing_no = s.closing_no AND f.agency_code = s.agency_code
WHERE c.period = any(%(periods)s) AND (%(up_to)s::bigint IS NULL OR c.closing_no <= %(up_to)s)
ORDER BY c.closing_no, f.agency_code;
