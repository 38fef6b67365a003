-- The message of the attempt that a receipt names, locked before anything about it is read; waited for.
-- Called by store/notices/receipts.py.
SELECT m.message_id
FROM motcua.messages AS m
INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
WHERE a.gateway = %(gateway)s AND a.reference = %(reference)s
FOR UPDATE OF m
