-- What stored receipts prove of their attempts and messages, and what was done. Called by store/notices/receipts.py.
SELECT a.receipt_id, a.effect FROM motcua.apply_receipts(%(meanings)s::jsonb, %(now)s) AS a
