-- The run that a run's changes are told against: the last one of an earlier working day. Called by
-- store/oversight/quality.py.
SELECT p.run_no
FROM motcua.quality_runs AS r
INNER JOIN motcua.quality_runs AS p ON r.run_no > p.run_no AND r.day > p.day AND p.working_day
WHERE r.run_no = %(run_no)s
ORDER BY p.day DESC, p.run_no DESC
LIMIT 1
