-- What closings of some periods count of the dossiers of those agencies that the portal's figures are of, all closings
-- or up to one: nothing of an agency is nought. In the order of the closings. Called by store/intake/portal_figures.py.
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
ORDER BY c.closing_no, f.agency_code
