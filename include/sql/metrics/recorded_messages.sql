-- Messages of what was recorded since a moment, by kind and state: costs what that time holds.
-- Called by store/watching/metrics.py.
SELECT m.kind, m.state, count(*) AS messages
FROM motcua.messages AS m
WHERE m.recorded_at >= %(since)s
GROUP BY m.kind, m.state
ORDER BY m.kind, m.state
