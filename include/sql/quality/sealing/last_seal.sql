-- The seal that the next run follows. Called by store/oversight/quality.py.
SELECT r.seal FROM motcua.quality_runs AS r WHERE r.sealed_at IS NOT NULL ORDER BY r.run_no DESC LIMIT 1
