-- The newest closing of a period. Called by store/oversight/closings.py.
SELECT closing_no
FROM audit.closings
WHERE period = %(period)s
ORDER BY closing_no DESC
LIMIT 1
