-- How many receipts are stored and not read, counted up to %(most)s, and when the first of them came.
-- Called by store/watching/metrics.py.
SELECT
    (
        SELECT count(*) FROM (SELECT 1 FROM motcua.unread_receipts LIMIT %(most)s) AS u  -- noqa: AM09
    ) AS receipts,
    (
        SELECT r.received_at FROM motcua.receipts AS r
        WHERE r.receipt_id = (SELECT min(u.receipt_id) FROM motcua.unread_receipts AS u)
    ) AS oldest
