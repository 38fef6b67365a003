-- Messages that wait for stops, by agency and kind; with when the first of them is no longer useful. What is due and
-- was not met by a sender yet is among them. Whether they are stopped is asked once an agency and kind (OFFSET 0):
-- thousands may wait. Called by store/notices/stops.py.
SELECT
    q.agency_code,
    q.kind,
    s.until,
    q.messages,
    q.useful_until
FROM (
    SELECT
        m.agency_code,
        m.kind,
        count(*) AS messages,
        min(m.useful_until) AS useful_until
    FROM motcua.messages AS m
    WHERE m.state = 'queued' AND (m.reason = 'stopped' OR m.next_attempt_at <= %(now)s)
    GROUP BY m.agency_code, m.kind
    OFFSET 0  -- noqa: AM09
) AS q
CROSS JOIN LATERAL (SELECT motcua.stopped_until(q.kind, q.agency_code, %(now)s) AS until) AS s
WHERE s.until IS NOT NULL
ORDER BY q.agency_code, q.kind
