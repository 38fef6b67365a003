-- The first day that is closed. Called by store/oversight/closings.py.
SELECT min(c.period) AS period
FROM motcua.closings AS c
WHERE char_length(c.period) = 10
