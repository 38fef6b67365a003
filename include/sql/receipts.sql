-- Receipts: stored as they came, then read. Called by store/notices/receipts.py.

-- name: save
-- Receipts, as they came; their numbers grow in the order given.
INSERT INTO motcua.receipts (gateway, reference, gateway_status, raw)
SELECT r.gateway, left(r.reference, 200), left(r.gateway_status, 200), r.raw
FROM
    jsonb_to_recordset(%(rows)s::jsonb)
        AS r (
            position integer, gateway text, reference text, gateway_status text, raw jsonb
        )
ORDER BY r.position
RETURNING receipt_id;

-- name: unread
-- Receipts stored but not interpreted (a crash between the two), of each gateway the oldest so many: those that cannot
-- be read, since their gateway has no connection any more, keep no other gateway's waiting. Each is looked up, whatever
-- PostgreSQL believes of how many wait.
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
ORDER BY f.receipt_id;

-- name: apply
-- What stored receipts prove of their attempts and messages, and what was done.
SELECT a.receipt_id, a.effect FROM motcua.apply_receipts(%(meanings)s::jsonb, %(now)s) AS a;
