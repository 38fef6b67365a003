-- Messages of unknown outcome at each gateway, counted up to %(most)s, and when the first of their attempts began.
-- Called by store/watching/metrics.py.
SELECT g.name AS gateway, count(u.started_at) AS messages, min(u.started_at) AS oldest
FROM motcua.gateways AS g
LEFT JOIN (
    SELECT a.gateway, a.started_at
    FROM motcua.messages AS m
    INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
    WHERE m.state = 'unknown' AND a.state = 'unknown' AND NOT a.released
    LIMIT %(most)s  -- noqa: AM09
) AS u ON g.name = u.gateway
GROUP BY g.name
ORDER BY g.name
