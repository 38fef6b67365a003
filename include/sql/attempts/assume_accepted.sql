-- Attempts without an answer at a gateway whose declared policy takes them for accepted: a receipt still moves them,
-- else they end as unconfirmed; they are never sent again. Messages are locked first. Called by
-- store/notices/attempts.py.
WITH theirs AS MATERIALIZED (
    SELECT m.message_id, a.attempt_id
    FROM motcua.messages AS m
    INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
    WHERE
        m.state = 'unknown'
        AND a.state = 'unknown'
        AND NOT a.released
        AND a.gateway = %(gateway)s
        AND a.started_at <= %(before)s
        AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
    ORDER BY m.message_id
    LIMIT 10000
    FOR UPDATE OF m SKIP LOCKED
),

settled AS (
    UPDATE motcua.attempts AS a
    SET state = 'accepted'
    FROM theirs AS t
    WHERE a.attempt_id = t.attempt_id AND a.state = 'unknown'
    RETURNING a.message_id
)

UPDATE motcua.messages AS m
SET state = 'accepted', reason = 'assumed', accepted_at = %(now)s
FROM settled AS s
WHERE m.message_id = s.message_id
