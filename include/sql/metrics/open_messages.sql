-- Messages that are not at their end, by state and kind, and when the oldest was recorded. Each state through its own
-- partial index, those that wait longest first, and at most %(most)s of each: whatever the ledger holds, no more is
-- read. Called by store/watching/metrics.py.
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
ORDER BY c.state, c.kind
