-- Receipts, as they came; their numbers grow in the order given. Called by store/notices/receipts.py.
INSERT INTO motcua.receipts (gateway, reference, gateway_status, raw)
SELECT r.gateway, left(r.reference, 200), left(r.gateway_status, 200), r.raw
FROM
    jsonb_to_recordset(%(rows)s::jsonb)
        AS r (
            position integer, gateway text, reference text, gateway_status text, raw jsonb
        )
ORDER BY r.position
RETURNING receipt_id
