-- A receipt, as it came. Called by store/receipts.py.
INSERT INTO motcua.receipts (gateway, reference, gateway_status, raw)
VALUES (%(gateway)s, left(%(reference)s, 200), left(%(gateway_status)s, 200), %(raw)s)
RETURNING receipt_id
