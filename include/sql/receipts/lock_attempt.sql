-- The attempt that a receipt names, with its message, locked; whether it is the message's last attempt; whether the
-- message is queued only because this attempt was taken for failed or a person released it; and whether it went in
-- several parts. Called by store/receipts.py.
SELECT
    a.attempt_id,
    a.state AS attempt_state,
    m.message_id,
    m.state AS message_state,
    a.state = 'failed' OR a.released AS was_given_up,
    coalesce(a.segments, m.segments) > 1 AS in_parts,
    NOT EXISTS (
        SELECT 1 FROM motcua.attempts AS later
        WHERE later.message_id = a.message_id AND later.attempt_id > a.attempt_id
    ) AS is_last
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE a.gateway = %(gateway)s AND a.reference = %(reference)s
