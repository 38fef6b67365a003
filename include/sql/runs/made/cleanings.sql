-- What a run removed of Airflow's own database and logs. Called by store/browsing/runs.py.
SELECT
    c.of_what,
    sum(c.removed)::bigint AS removed,
    sum(c.size)::bigint AS size,
    string_agg(DISTINCT c.failed, ', ' ORDER BY c.failed) AS failed
FROM motcua.airflow_cleanings AS c
WHERE c.run_no = %(run_no)s
GROUP BY c.of_what
HAVING sum(c.removed) > 0 OR bool_or(c.failed IS NOT NULL)
ORDER BY removed DESC, c.of_what
