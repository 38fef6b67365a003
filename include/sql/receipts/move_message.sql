-- A receipt moves its message, where that move is allowed. A queued message has gone on to a mended number, unless its
-- last attempt was given up: then the receipt proves that it was taken all the same. Of a message in parts that one
-- part of was refused no receipt makes a delivered one. Called by store/receipts.py.
UPDATE motcua.messages AS m
SET
    state = %(state)s,
    reason = %(reason)s,
    accepted_at = coalesce(m.accepted_at, %(now)s)
WHERE
    m.message_id = %(message_id)s
    AND (m.state <> 'queued' OR %(was_given_up)s)
    AND m.reason IS DISTINCT FROM 'part_refused'
    AND EXISTS (
        SELECT 1 FROM motcua.message_moves AS v
        WHERE v.from_state = m.state AND v.to_state = %(state)s AND coalesce(v.only_for = %(reason)s, v.only_for IS NULL)
    )
RETURNING m.message_id
