-- The agencies whose figures a closing has as they were pushed. Called by store/intake/closings.py.
SELECT p.source, p.agency_code
FROM audit.closing_pushed AS p
WHERE p.closing_no = %(closing_no)s
ORDER BY p.source, p.agency_code
