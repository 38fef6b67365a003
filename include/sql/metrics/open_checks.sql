-- What the watch has open, by the id of its check: how many subjects. Called by store/watching/metrics.py.
SELECT
    a.name,
    count(*) AS subjects
FROM motcua.alerts AS a
WHERE a.over_at IS NULL
GROUP BY a.name
ORDER BY a.name
