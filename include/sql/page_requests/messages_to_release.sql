-- How many of these messages would go again now, by agency and kind. Called by store/oversight/page_requests.py.
SELECT m.agency_code, m.kind, count(*) AS messages
FROM motcua.messages AS m
WHERE
    m.message_id = any(%(messages)s::bigint[]) AND m.state = 'unknown' AND m.useful_until > now()
    AND EXISTS (
        SELECT 1 FROM motcua.attempts AS a
        WHERE a.message_id = m.message_id AND a.state = 'unknown' AND NOT a.released
    )
GROUP BY m.agency_code, m.kind
ORDER BY m.agency_code, m.kind
