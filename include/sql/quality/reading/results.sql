-- What was said of each rule in some runs. Called by store/oversight/quality.py.
SELECT run_no, rule, status, broken_reason, found, rows_hash
FROM motcua.quality_results
WHERE run_no = any(%(run_nos)s)
ORDER BY run_no, rule
