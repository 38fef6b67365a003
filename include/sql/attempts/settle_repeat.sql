-- The answer to a request that was repeated under the same reference settles its attempt and message, unless a receipt
-- did so meanwhile. The message is locked first. Called by store/notices/attempts.py.
WITH theirs AS MATERIALIZED (
    SELECT m.message_id
    FROM motcua.messages AS m
    WHERE m.message_id = %(message_id)s AND m.state = 'unknown'
    FOR UPDATE
),

settled AS (
    UPDATE motcua.attempts AS a
    SET
        state = %(attempt_state)s,
        outcome = %(outcome)s,
        http_status = %(http_status)s,
        gateway_code = left(%(gateway_code)s, 200),
        gateway_reference = coalesce(left(%(gateway_reference)s, 200), a.gateway_reference),
        answered_at = %(now)s,
        settle_at = %(settle_at)s
    FROM theirs AS t
    WHERE
        a.message_id = t.message_id AND a.attempt_id = %(attempt_id)s
        AND a.state = 'in_flight' AND a.sender_id = %(sender_id)s
    RETURNING a.message_id
)

UPDATE motcua.messages AS m
SET
    state = %(state)s,
    reason = %(reason)s,
    accepted_at = CASE WHEN %(state)s = 'accepted' THEN %(now)s ELSE m.accepted_at END
FROM settled AS s
WHERE m.message_id = s.message_id
