-- Of these years, those that are not confirmed for a province that has agencies. Called by store/calendars.py.
SELECT DISTINCT
    g.province,
    w.year
FROM motcua.agencies AS g
CROSS JOIN unnest(%(years)s::smallint[]) AS w (year)
LEFT JOIN motcua.calendar_years AS y ON g.province = y.province AND w.year = y.year
WHERE y.confirmed_at IS NULL
ORDER BY g.province, w.year
