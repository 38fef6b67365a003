-- The last run of each week (Monday to Sunday) up to a run's week. Called by store/oversight/quality.py.
SELECT DISTINCT ON (date_trunc('week', p.day))
    date_trunc('week', p.day)::date AS week,
    p.run_no
FROM motcua.quality_runs AS r
INNER JOIN motcua.quality_runs AS p ON r.run_no >= p.run_no AND r.day >= p.day
WHERE r.run_no = %(run_no)s AND p.day > r.day - 7 * (%(weeks)s::integer + 1)
ORDER BY date_trunc('week', p.day), p.day DESC, p.run_no DESC
