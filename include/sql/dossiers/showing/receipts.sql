-- The receipts of a dossier's messages, the newest first, as they were read. Called by store/dossiers.py.
SELECT
    r.receipt_id,
    r.received_at AS at,
    a.message_id,
    r.gateway,
    s.meaning,
    s.effect,
    r.gateway_status
FROM motcua.messages AS m
INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
INNER JOIN motcua.receipt_readings AS s ON a.attempt_id = s.attempt_id
INNER JOIN motcua.receipts AS r ON s.receipt_id = r.receipt_id
WHERE m.dossier_id = %(dossier_id)s
ORDER BY r.receipt_id DESC
LIMIT %(limit)s
