-- The messages of the attempts that receipts name, locked before anything about them is read; those that others hold
-- are left out, so that nobody waits for several at once and none in a circle. Called by store/notices/receipts.py.
SELECT m.message_id
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (gateway text, reference text)
INNER JOIN motcua.attempts AS a ON r.reference = a.reference AND r.gateway = a.gateway
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
FOR UPDATE OF m SKIP LOCKED
