-- What a receipt was taken to mean and what it changed. Called by store/receipts.py.
INSERT INTO motcua.receipt_readings (receipt_id, attempt_id, meaning, effect)
VALUES (%(receipt_id)s, %(attempt_id)s, %(meaning)s, %(effect)s)
ON CONFLICT (receipt_id) DO NOTHING
