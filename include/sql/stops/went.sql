-- What left for the gateways between two moments, by agency, kind and version of the text: messages, how many of them a
-- gateway took, how many are known to be on the phone, and how many nobody can tell of. Called by
-- store/notices/stops.py.
SELECT
    m.agency_code,
    m.kind,
    m.template_id,
    m.template_version,
    count(DISTINCT m.message_id) AS messages,
    count(DISTINCT m.message_id) FILTER (
        WHERE m.state IN ('accepted', 'delivered', 'undelivered', 'unconfirmed')
    ) AS taken,
    count(DISTINCT m.message_id) FILTER (WHERE m.state = 'delivered') AS delivered,
    count(DISTINCT m.message_id) FILTER (WHERE m.state IN ('sending', 'unknown')) AS unknown,
    min(a.started_at) AS first_at,
    max(a.started_at) AS last_at
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE
    a.started_at >= %(start)s
    AND a.started_at < %(end)s
    AND (%(kind)s::text IS NULL OR m.kind = %(kind)s)
    AND (%(agency_code)s::text IS NULL OR m.agency_code = %(agency_code)s)
GROUP BY m.agency_code, m.kind, m.template_id, m.template_version
ORDER BY m.agency_code, m.kind, m.template_id, m.template_version
