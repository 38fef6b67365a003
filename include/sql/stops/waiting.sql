-- Messages that wait for stops, by agency and kind; with when the first of them is no longer useful. What is due and
-- was not met by a sender yet is among them. Called by store/notices/stops.py.
SELECT
    q.agency_code,
    q.kind,
    q.until,
    count(*) AS messages,
    min(q.useful_until) AS useful_until
FROM (
    SELECT m.agency_code, m.kind, m.useful_until, motcua.stopped_until(m.kind, m.agency_code, %(now)s) AS until
    FROM motcua.messages AS m
    WHERE m.state = 'queued' AND (m.reason = 'stopped' OR m.next_attempt_at <= %(now)s)
) AS q
WHERE q.until IS NOT NULL
GROUP BY q.agency_code, q.kind, q.until
ORDER BY q.agency_code, q.kind
