-- Claimed messages that may not go, each to its state with its reason. Called by store/notices/messages.py.
UPDATE motcua.messages AS m
SET state = r.state, reason = r.reason
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (message_id bigint, state text, reason text)
WHERE m.message_id = r.message_id
