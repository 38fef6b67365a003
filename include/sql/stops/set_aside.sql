-- Sets messages aside that a stop covers: not due before it ends, so that no sender meets them again and again. Whoever
-- ends a stop waits for this: a message is set aside for one that is in force, or stays due.
-- Called by store/notices/stops.py.
WITH in_force AS MATERIALIZED (
    SELECT s.kind, s.agency_code, s.until
    FROM motcua.stops AS s
    WHERE s.until > %(now)s AND s.ended_at IS NULL
    ORDER BY s.stop_id
    FOR SHARE
),

waiting AS MATERIALIZED (
    SELECT m.message_id, m.kind, m.agency_code
    FROM motcua.messages AS m
    WHERE m.message_id = any(%(message_ids)s) AND m.state = 'queued'
    ORDER BY m.message_id
    FOR UPDATE SKIP LOCKED
)

UPDATE motcua.messages AS m
SET next_attempt_at = c.until, reason = 'stopped'
FROM (
    SELECT w.message_id, max(s.until) AS until
    FROM waiting AS w
    INNER JOIN in_force AS s
        ON (s.kind IS NULL OR w.kind = s.kind) AND (s.agency_code IS NULL OR w.agency_code = s.agency_code)
    GROUP BY w.message_id
) AS c
WHERE m.message_id = c.message_id
RETURNING m.message_id
