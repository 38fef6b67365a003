-- Among the last thousand receipts, those since a moment that name no attempt of ours: how many, and when the last one
-- was read. Called by store/watching/watch.py.
SELECT
    count(*) AS receipts,
    max(r.read_at) AS last_at
FROM motcua.receipt_readings AS r
WHERE
    r.receipt_id > (SELECT max(m.receipt_id) - 1000 FROM motcua.receipt_readings AS m)
    AND r.effect = 'unknown_reference'
    AND r.read_at >= %(since)s
