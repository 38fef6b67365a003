-- The years of these provinces that are in the table, with what confirmed them. Called by store/calendars.py.
SELECT province, year, package, decision, confirmed_at
FROM motcua.calendar_years
WHERE province = any(%(provinces)s::text[])
ORDER BY province, year
