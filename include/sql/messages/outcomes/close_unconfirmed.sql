-- Accepted messages that no receipt came for while their gateway's horizon lasted: unconfirmed. A receipt that waits to
-- be read comes first, and a late one still moves the message. Called by store/notices/messages.py.
UPDATE motcua.messages AS m
SET state = 'unconfirmed', reason = 'no_receipt'
WHERE m.message_id IN (
    SELECT n.message_id
    FROM motcua.messages AS n
    LEFT JOIN LATERAL (
        SELECT a.gateway FROM motcua.attempts AS a
        WHERE a.message_id = n.message_id
        ORDER BY a.attempt_id DESC
        LIMIT 1
    ) AS l ON TRUE
    -- Looked up for each row, as the receipts are: joined, all there ever were would be read.
    LEFT JOIN LATERAL (
        SELECT min(q.gateway) AS gateway FROM motcua.inquiries AS q
        WHERE q.message_id = n.message_id
    ) AS i ON TRUE
    WHERE
        n.state = 'accepted'
        AND n.accepted_at <= %(before)s
        AND coalesce(l.gateway, i.gateway) = %(gateway)s
        AND (%(start)s::timestamptz IS NULL OR (n.recorded_at >= %(start)s AND n.recorded_at < %(end)s))
        AND 0 = (
            SELECT count(*)
            FROM motcua.attempts AS a
            INNER JOIN motcua.receipts AS r ON a.reference = r.reference
            LEFT JOIN motcua.receipt_readings AS s ON r.receipt_id = s.receipt_id
            WHERE a.message_id = n.message_id AND s.receipt_id IS NULL
        )
    ORDER BY n.message_id
    LIMIT 10000
    FOR UPDATE OF n SKIP LOCKED
)
