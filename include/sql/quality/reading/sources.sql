-- How fresh and how whole each source was in a run. Called by store/oversight/quality.py.
SELECT s.name AS source, q.picked_up_at, q.last_transition_at, q.quarantined, q.failing
FROM motcua.quality_sources AS q
INNER JOIN motcua.sources AS s ON q.source_id = s.source_id
WHERE q.run_no = %(run_no)s
ORDER BY s.name
