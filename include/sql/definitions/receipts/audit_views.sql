-- What auditors may read of delivery reports: numbers masked.
CREATE OR REPLACE VIEW audit.receipts AS
SELECT
    r.receipt_id, r.gateway, r.received_at, motcua.without_numbers(r.reference) AS reference,
    motcua.without_numbers(r.gateway_status) AS gateway_status, s.attempt_id, s.meaning, s.effect, s.read_at
FROM motcua.receipts AS r
LEFT JOIN motcua.receipt_readings AS s ON r.receipt_id = s.receipt_id;
