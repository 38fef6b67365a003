-- Receipts stored but not interpreted (a crash between the two), of each gateway the oldest so many: those that cannot
-- be read, since their gateway has no connection any more, keep no other gateway's waiting. Each is looked up, whatever
-- PostgreSQL believes of how many wait. Called by store/notices/receipts.py.
SELECT
    f.receipt_id,
    f.gateway,
    f.reference,
    f.gateway_status
FROM (
    SELECT
        u.receipt_id,
        r.gateway,
        r.reference,
        r.gateway_status,
        row_number() OVER (PARTITION BY r.gateway ORDER BY u.receipt_id) AS nth
    FROM motcua.unread_receipts AS u
    INNER JOIN LATERAL (
        SELECT
            k.gateway,
            k.reference,
            k.gateway_status
        FROM motcua.receipts AS k
        WHERE k.receipt_id = u.receipt_id
        OFFSET 0  -- noqa: AM09
    ) AS r ON TRUE
) AS f
WHERE f.nth <= %(of_each)s
ORDER BY f.receipt_id
