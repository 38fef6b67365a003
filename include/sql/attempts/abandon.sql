-- The attempts that a dead sender left in flight: their outcome is unknown, and so is their messages'.
-- Called by store/attempts.py.
WITH left_behind AS (
    UPDATE motcua.attempts
    SET
        state = 'unknown',
        outcome = 'unknown',
        answered_at = %(now)s,
        gateway_code = 'the sender ended before the answer'
    WHERE sender_id = %(sender_id)s AND state = 'in_flight'
    RETURNING message_id
)

UPDATE motcua.messages AS m
SET state = 'unknown', reason = 'sender_ended'
FROM left_behind
WHERE m.message_id = left_behind.message_id AND m.state = 'sending'
