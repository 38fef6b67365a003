-- What checks of data quality found about a dossier, with when each time began and ended, the newest first.
-- Called by store/dossiers.py.
SELECT
    f.finding_id,
    f.rule,
    f.since,
    b.as_of AS at,
    c.as_of AS closed_at,
    e.deadline
FROM motcua.findings AS f
INNER JOIN motcua.finding_episodes AS e ON f.finding_id = e.finding_id
INNER JOIN motcua.quality_runs AS b ON e.opened_run = b.run_no
LEFT JOIN motcua.quality_runs AS c ON e.closed_run = c.run_no
WHERE f.dossier_id = %(dossier_id)s
ORDER BY e.opened_run DESC, f.finding_id DESC
LIMIT %(limit)s
