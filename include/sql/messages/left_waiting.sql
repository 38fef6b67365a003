-- Messages that are due for a while and could go: a gateway for their carrier is not stopped, no stop of people covers
-- them, no gap that holds all is open. Both ends of the queue are looked at, a few messages of each: what cannot go is
-- mostly alike, and however much of it there is, little is read. Called by store/notices/messages.py.
WITH usable AS MATERIALIZED (
    SELECT
        n.name,
        g.carriers
    FROM unnest(%(gateways)s::text[]) AS n (name)
    LEFT JOIN motcua.gateways AS g ON n.name = g.name
    WHERE
        g.fault IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM motcua.gateway_stops AS s
            WHERE s.gateway = n.name AND s.concerns = 'gateway' AND s.until > %(now)s
        )
        AND NOT EXISTS (SELECT 1 FROM motcua.gaps AS p WHERE p.closed_at IS NULL AND p.held_until IS NULL)
),

ends AS MATERIALIZED (
    (
        SELECT q.message_id, q.next_attempt_at, q.kind, q.agency_code, q.carrier, q.avoid
        FROM motcua.messages AS q
        WHERE q.state = 'queued' AND q.next_attempt_at <= %(due_by)s
        ORDER BY q.next_attempt_at, q.message_id
        LIMIT 20
    )
    UNION
    (
        SELECT q.message_id, q.next_attempt_at, q.kind, q.agency_code, q.carrier, q.avoid
        FROM motcua.messages AS q
        WHERE q.state = 'queued' AND q.next_attempt_at <= %(due_by)s
        ORDER BY q.next_attempt_at DESC, q.message_id DESC
        LIMIT 20
    )
)

SELECT
    m.message_id,
    m.next_attempt_at
FROM ends AS m
WHERE
    EXISTS (
        SELECT 1 FROM usable AS u
        WHERE
            NOT u.name = any(m.avoid)
            AND (m.carrier IS NULL OR u.carriers IS NULL OR m.carrier = any(u.carriers))
            AND NOT EXISTS (
                SELECT 1 FROM motcua.gateway_stops AS s
                WHERE s.gateway = u.name AND s.concerns = 'carrier' AND s.subject = m.carrier AND s.until > %(now)s
            )
    )
    AND motcua.stopped_until(m.kind, m.agency_code, %(now)s) IS NULL
    AND 0 = (
        SELECT count(*) FROM motcua.attempts AS a
        WHERE
            a.message_id = m.message_id AND a.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
            AND NOT a.released
    )
ORDER BY m.next_attempt_at, m.message_id
