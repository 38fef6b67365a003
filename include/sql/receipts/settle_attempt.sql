-- What a receipt proves of its attempt. Called by store/receipts.py.
UPDATE motcua.attempts
SET state = %(meaning)s, answered_at = coalesce(answered_at, %(now)s)
WHERE
    attempt_id = %(attempt_id)s
    AND (
        state IN ('in_flight', 'unknown')
        OR (state = 'accepted' AND %(meaning)s IN ('delivered', 'undelivered'))
        OR (%(is_last)s AND state = 'failed')
        OR (%(is_last)s AND %(message_state)s = 'undelivered' AND state = 'undelivered' AND %(meaning)s = 'delivered')
    )
