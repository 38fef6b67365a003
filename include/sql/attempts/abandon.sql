-- The attempts that a dead sender left in flight: their outcome is unknown, and so is their messages'. Messages are
-- locked first, as receipts and answers do, so that none waits for the other in a circle. Called by
-- store/notices/attempts.py.
WITH theirs AS MATERIALIZED (
    SELECT m.message_id
    FROM motcua.messages AS m
    WHERE
        m.message_id IN (
            SELECT a.message_id FROM motcua.attempts AS a
            WHERE a.sender_id = %(sender_id)s AND a.state = 'in_flight'
        )
    ORDER BY m.message_id
    FOR UPDATE
),

left_behind AS (
    UPDATE motcua.attempts AS a
    SET
        state = 'unknown',
        outcome = 'unknown',
        answered_at = %(now)s,
        gateway_code = 'the sender ended before the answer',
        settle_at = %(settle_at)s
    FROM theirs AS t
    WHERE a.message_id = t.message_id AND a.sender_id = %(sender_id)s AND a.state = 'in_flight'
    RETURNING a.message_id
)

UPDATE motcua.messages AS m
SET state = 'unknown', reason = 'sender_ended'
FROM left_behind
WHERE m.message_id = left_behind.message_id AND m.state = 'sending'
