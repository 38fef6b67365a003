-- When each source was last read, and whether reading it has failed since. One that nobody has tried to read for a week
-- was given up. Called by store/watching/metrics.py.
SELECT s.name, s.picked_up_at, s.failed_at IS NOT NULL AS failing
FROM motcua.sources AS s
WHERE greatest(s.picked_up_at, s.failed_at) > %(now)s::timestamptz - interval '7 days'
ORDER BY s.name
