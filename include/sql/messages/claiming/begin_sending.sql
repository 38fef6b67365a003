-- Claimed messages that go: in flight from here on, to the dossier's present number. Called by
-- store/notices/messages.py.
UPDATE motcua.messages AS m
SET state = 'sending', reason = NULL, msisdn = r.msisdn, carrier = r.carrier, attempts_made = m.attempts_made + 1
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (message_id bigint, msisdn text, carrier text)
WHERE m.message_id = r.message_id
