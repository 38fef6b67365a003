-- The first day that is closed. Called by store/oversight/closings.py.
SELECT min(c.period) AS period
FROM motcua.closings AS c
WHERE c.period_length = 'day'
