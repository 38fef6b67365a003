-- Receipts stored but not interpreted (a crash between the two); each is looked up, whatever PostgreSQL believes of how
-- many wait. Called by store/notices/receipts.py.
SELECT u.receipt_id, r.gateway, r.reference, r.gateway_status
FROM motcua.unread_receipts AS u
INNER JOIN LATERAL (
    SELECT k.gateway, k.reference, k.gateway_status FROM motcua.receipts AS k
    WHERE k.receipt_id = u.receipt_id
    OFFSET 0  -- noqa: AM09
) AS r ON TRUE
ORDER BY u.receipt_id
LIMIT 1000
