-- Store delivery receipts as they came, and apply them. Called by store/notices/receipts.py.

-- name: save
-- Insert delivery receipts as they came (motcua.receipts). Their numbers grow in the given order.
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
-- Return delivery receipts that were stored and not applied, for example after a crash, the oldest of each gateway
-- (motcua.receipts). The receipts of a gateway without an Airflow connection stay unread. Each gateway therefore has
-- its own limit, so that such receipts do not block those of other gateways. OFFSET 0 makes PostgreSQL look up each
-- receipt by its key, because its estimate of the number of unread receipts may be wrong.
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
-- Apply stored delivery receipts to their attempts and messages, and return the effect of each (motcua.apply_receipts).
SELECT a.receipt_id, a.effect FROM motcua.apply_receipts(%(meanings)s::jsonb, %(now)s) AS a;
