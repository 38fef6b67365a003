-- Messages of unknown outcome that a person lets go again: queued as they are, their attempts no longer in the way, and
-- who, when and why kept. Only while they are useful. Called by store/notices/messages.py.
WITH held AS MATERIALIZED (
    SELECT m.message_id, a.attempt_id
    FROM motcua.messages AS m
    INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
    WHERE
        m.state = 'unknown'
        AND a.state = 'unknown'
        AND NOT a.released
        AND m.useful_until > %(now)s
        AND (%(message_ids)s::bigint[] IS NULL OR m.message_id = any(%(message_ids)s))
        AND (%(gateway)s::text IS NULL OR a.gateway = %(gateway)s)
        AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
    ORDER BY m.message_id
    FOR UPDATE OF m SKIP LOCKED
),

let_go AS (
    UPDATE motcua.attempts AS a
    SET released = TRUE
    FROM held AS h
    WHERE a.attempt_id = h.attempt_id
    RETURNING a.attempt_id
),

kept AS (
    INSERT INTO motcua.releases (message_id, attempt_id, released_at, released_by, reason)
    SELECT h.message_id, h.attempt_id, %(now)s, %(released_by)s, %(reason)s
    FROM held AS h
    INNER JOIN let_go AS l ON h.attempt_id = l.attempt_id
    RETURNING message_id
)

UPDATE motcua.messages AS m
SET state = 'queued', reason = 'released', next_attempt_at = %(now)s, avoid = '{}'
FROM kept AS k
WHERE m.message_id = k.message_id
RETURNING m.message_id
