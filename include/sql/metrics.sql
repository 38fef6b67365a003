-- Compute figures for a monitoring system, which may request them every few seconds. Therefore the cost of a query does
-- not grow with the age of the ledger. Called by store/watching/metrics.py and store/watching/watch.py.

-- name: takes_rows
-- Return whether the role of this connection can read the ledger and the ledger accepts new rows
-- (motcua.message_states). A standby server or a read-only server does not accept them.
SELECT
    current_setting('transaction_read_only') = 'off'
    AND EXISTS (SELECT 1 FROM motcua.message_states) AS takes_rows;

-- name: open_messages
-- Return the number of messages that are not final, by state and kind, and when the oldest of them was recorded
-- (motcua.messages). The queued messages, the accepted messages and all others are read separately. Each part is read
-- through an index of its own, up to a given number of rows.
WITH counted AS (
    (
        SELECT m.state, m.kind, m.recorded_at FROM motcua.messages AS m
        WHERE m.state = 'queued'
        ORDER BY m.next_attempt_at, m.message_id
        LIMIT %(most)s
    )
    UNION ALL
    (
        SELECT m.state, m.kind, m.recorded_at FROM motcua.messages AS m
        WHERE m.state IN ('sending', 'unknown')
        LIMIT %(most)s  -- noqa: AM09
    )
    UNION ALL
    (
        SELECT m.state, m.kind, m.recorded_at FROM motcua.messages AS m
        WHERE m.state = 'accepted'
        ORDER BY m.accepted_at
        LIMIT %(most)s
    )
)

SELECT c.state, c.kind, count(*) AS messages, min(c.recorded_at) AS oldest
FROM counted AS c
GROUP BY c.state, c.kind
ORDER BY c.state, c.kind;

-- name: queue_due
-- Return when the message that has been due longest became due (motcua.messages). NULL means that no message is due.
SELECT min(m.next_attempt_at) AS due
FROM motcua.messages AS m
WHERE m.state = 'queued' AND m.next_attempt_at <= %(now)s;

-- name: recorded_messages
-- Return the number of messages recorded since a time, by kind and state (motcua.messages). The cost grows with the
-- number of messages since then, not with the size of the table.
SELECT m.kind, m.state, count(*) AS messages
FROM motcua.messages AS m
WHERE m.recorded_at >= %(since)s
GROUP BY m.kind, m.state
ORDER BY m.kind, m.state;

-- name: unknown_messages
-- Return the number of messages of unknown outcome at each gateway, counted up to a maximum, and when the first of
-- their attempts began (motcua.messages, motcua.attempts).
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
ORDER BY g.name;

-- name: unread_receipts
-- Return the number of delivery receipts that are stored and not applied, counted up to a maximum, and when the first
-- of them came (motcua.unread_receipts).
SELECT
    (
        SELECT count(*) FROM (SELECT 1 FROM motcua.unread_receipts LIMIT %(most)s) AS u  -- noqa: AM09
    ) AS receipts,
    (
        SELECT r.received_at FROM motcua.receipts AS r
        WHERE r.receipt_id = (SELECT min(u.receipt_id) FROM motcua.unread_receipts AS u)
    ) AS oldest;

-- name: gateway_stops
-- Return the number of unexpected pauses in sending at each gateway, by what is paused: the gateway itself, a carrier
-- or a template (motcua.gateway_stops).
SELECT g.name AS gateway, c.concerns, count(s.gateway) AS stops
FROM motcua.gateways AS g
CROSS JOIN (VALUES ('gateway'), ('carrier'), ('template')) AS c (concerns)
LEFT JOIN motcua.gateway_stops AS s ON g.name = s.gateway AND c.concerns = s.concerns AND NOT s.expected
GROUP BY g.name, c.concerns
ORDER BY g.name, c.concerns;

-- name: sources
-- Return when each source was last read, and whether reading it has failed since (motcua.sources). A source that
-- no process has tried to read for a week is left out, because it is not used any more.
SELECT s.name, s.picked_up_at, s.failed_at IS NOT NULL AS failing
FROM motcua.sources AS s
WHERE greatest(s.picked_up_at, s.failed_at) > %(now)s::timestamptz - interval '7 days'
ORDER BY s.name;

-- name: open_checks
-- Return, for each check of the watch (the process that raises alerts), how many subjects have an open alert
-- (motcua.alerts). A subject is for example a source, a gateway or a folder.
SELECT
    a.name,
    count(*) AS subjects
FROM motcua.alerts AS a
WHERE a.over_at IS NULL
GROUP BY a.name
ORDER BY a.name;
