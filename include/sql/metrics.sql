-- Figures for a monitor, each bounded: what is asked every few seconds costs the same whatever the ledger holds. Called
-- by store/watching/metrics.py and store/watching/watch.py.

-- name: takes_rows
-- Whether the ledger can be read by our role and takes new rows: a standby, or one that was set to read only, does not.
SELECT
    current_setting('transaction_read_only') = 'off'
    AND EXISTS (SELECT 1 FROM motcua.message_states) AS takes_rows;

-- name: open_messages
-- Messages that are not at their end, by state and kind, and when the oldest was recorded. Each state through its own
-- partial index, those that wait longest first, and at most %(most)s of each: whatever the ledger holds, no more is
-- read.
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
-- When the message that is due longest should have gone; NULL: none is due.
SELECT min(m.next_attempt_at) AS due
FROM motcua.messages AS m
WHERE m.state = 'queued' AND m.next_attempt_at <= %(now)s;

-- name: recorded_messages
-- Messages of what was recorded since a moment, by kind and state: costs what that time holds.
SELECT m.kind, m.state, count(*) AS messages
FROM motcua.messages AS m
WHERE m.recorded_at >= %(since)s
GROUP BY m.kind, m.state
ORDER BY m.kind, m.state;

-- name: unknown_messages
-- Messages of unknown outcome at each gateway, counted up to %(most)s, and when the first of their attempts began.
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
-- How many receipts are stored and not read, counted up to %(most)s, and when the first of them came.
SELECT
    (
        SELECT count(*) FROM (SELECT 1 FROM motcua.unread_receipts LIMIT %(most)s) AS u  -- noqa: AM09
    ) AS receipts,
    (
        SELECT r.received_at FROM motcua.receipts AS r
        WHERE r.receipt_id = (SELECT min(u.receipt_id) FROM motcua.unread_receipts AS u)
    ) AS oldest;

-- name: gateway_stops
-- How much is stopped at each gateway: the gateway itself, carriers, templates; without what is as it should be.
SELECT g.name AS gateway, c.concerns, count(s.gateway) AS stops
FROM motcua.gateways AS g
CROSS JOIN (VALUES ('gateway'), ('carrier'), ('template')) AS c (concerns)
LEFT JOIN motcua.gateway_stops AS s ON g.name = s.gateway AND c.concerns = s.concerns AND NOT s.expected
GROUP BY g.name, c.concerns
ORDER BY g.name, c.concerns;

-- name: sources
-- When each source was last read, and whether reading it has failed since. One that nobody has tried to read for a week
-- was given up.
SELECT s.name, s.picked_up_at, s.failed_at IS NOT NULL AS failing
FROM motcua.sources AS s
WHERE greatest(s.picked_up_at, s.failed_at) > %(now)s::timestamptz - interval '7 days'
ORDER BY s.name;

-- name: open_checks
-- What the watch has open, by the id of its check: how many subjects.
SELECT
    a.name,
    count(*) AS subjects
FROM motcua.alerts AS a
WHERE a.over_at IS NULL
GROUP BY a.name
ORDER BY a.name;
