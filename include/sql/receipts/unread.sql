-- Receipts stored but not interpreted (a crash between the two). Called by store/receipts.py.
SELECT r.receipt_id, r.gateway, r.reference, r.gateway_status
FROM motcua.receipts AS r
LEFT JOIN motcua.receipt_readings AS s ON r.receipt_id = s.receipt_id
WHERE s.receipt_id IS NULL
ORDER BY r.receipt_id
LIMIT 1000
