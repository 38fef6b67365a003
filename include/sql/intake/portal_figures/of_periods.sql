-- Figures of the portal of some periods, of one agency or of all, in the order in which they were handed in. Called by
-- store/intake/portal_figures.py.
SELECT
    f.figure_no, f.agency_code, f.period, f.received, f.resolved, f.returned, f.handed_in_by, f.handed_in_at,
    f.file_name, f.file_line, f.replaces
FROM audit.portal_figures AS f
WHERE f.period = any(%(periods)s) AND (%(agency_code)s::text IS NULL OR f.agency_code = %(agency_code)s)
ORDER BY f.figure_no
