-- What a receipt proves of its attempt. Called by store/receipts.py.
UPDATE motcua.attempts AS a
SET state = %(state)s, answered_at = coalesce(a.answered_at, %(now)s)
FROM motcua.messages AS m
WHERE
    a.attempt_id = %(attempt_id)s
    AND a.message_id = m.message_id
    AND m.reason IS DISTINCT FROM 'part_refused'
    AND (
        a.state IN ('in_flight', 'unknown')
        OR (a.state = 'accepted' AND %(state)s IN ('delivered', 'undelivered'))
        OR (a.state = 'delivered' AND %(part_refused)s)
        OR (%(is_last)s AND a.state = 'failed')
        OR (%(is_last)s AND m.state = 'undelivered' AND a.state = 'undelivered' AND %(state)s = 'delivered')
    )
