-- The gateway was asked and never had it: an attempt of unknown end has failed, and its message is due again. It is
-- looked at once more before it goes. Called by store/receipts.py.
WITH failed AS (
    UPDATE motcua.attempts
    SET state = 'failed', answered_at = coalesce(answered_at, %(now)s)
    WHERE attempt_id = %(attempt_id)s AND state = 'unknown' AND NOT released
    RETURNING message_id
)

UPDATE motcua.messages AS m
SET state = 'queued', reason = 'never_arrived', next_attempt_at = %(now)s
FROM failed AS f
WHERE m.message_id = f.message_id AND m.state = 'unknown'
RETURNING m.message_id
