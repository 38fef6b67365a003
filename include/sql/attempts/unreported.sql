-- Accepted attempts at a gateway that no final receipt came for and that may be asked about now, locked.
-- Called by store/notices/attempts.py.
SELECT a.attempt_id, a.message_id, a.reference, a.gateway_reference, a.msisdn AS sent_to, a.started_at, a.settlings
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE
    a.gateway = %(gateway)s
    AND a.state = 'accepted'
    AND m.state = 'accepted'
    AND a.settle_at <= %(now)s
    AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
ORDER BY a.settle_at
LIMIT %(limit)s
FOR UPDATE OF m SKIP LOCKED
