-- How many messages of unknown outcome there are at each gateway, of some agencies or all, and how many of them are
-- still useful. Called by store/notices/messages.py.
SELECT a.gateway, count(*) AS held, count(*) FILTER (WHERE m.useful_until > %(now)s) AS useful
FROM motcua.messages AS m
INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
WHERE
    m.state = 'unknown'
    AND a.state = 'unknown'
    AND NOT a.released
    AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s))
GROUP BY a.gateway
ORDER BY a.gateway
