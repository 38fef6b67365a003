-- The gateway's answers to messages in flight. A receipt that overtook the answer is not overwritten.
-- Called by store/notices/messages.py.
UPDATE motcua.messages AS m
SET
    state = r.state,
    reason = r.reason,
    accepted_at = CASE WHEN r.state = 'accepted' THEN r.answered_at ELSE m.accepted_at END,
    next_attempt_at = coalesce(r.next_attempt_at, m.next_attempt_at),
    avoid = coalesce(r.avoid, m.avoid)
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        message_id bigint, state text, reason text, answered_at timestamptz, next_attempt_at timestamptz, avoid text[]
    )
WHERE m.message_id = r.message_id AND m.state = 'sending'
