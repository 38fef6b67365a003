-- Every province that has an agency. Called by store/calendars.py.
SELECT DISTINCT province
FROM motcua.agencies
ORDER BY province
