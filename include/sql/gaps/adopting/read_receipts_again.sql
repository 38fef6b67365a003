-- Receipts that came before their attempt was known again, and were read as of no attempt: they wait to be read once
-- more, as they came. Called by store/notices/gaps.py.
INSERT INTO motcua.receipts (gateway, received_at, reference, gateway_status, raw)
SELECT r.gateway, r.received_at, r.reference, r.gateway_status, r.raw
FROM motcua.lost_attempts AS l
INNER JOIN motcua.receipts AS r ON l.reference = r.reference AND l.gateway = r.gateway
INNER JOIN motcua.receipt_readings AS s ON r.receipt_id = s.receipt_id
WHERE
    l.adopted_at = %(now)s
    AND s.effect = 'unknown_reference'
    AND NOT EXISTS (
        SELECT 1 FROM motcua.receipts AS a
        WHERE a.reference = r.reference AND a.received_at = r.received_at AND a.receipt_id > r.receipt_id
    )
ORDER BY r.receipt_id
