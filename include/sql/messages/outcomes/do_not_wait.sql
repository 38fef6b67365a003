-- Messages that failed in passing just before their gateway was stopped for it: due at once, since they wait for the
-- gateway and not for themselves. Called by store/notices/messages.py.
UPDATE motcua.messages
SET next_attempt_at = %(now)s
WHERE message_id = any(%(message_ids)s) AND state = 'queued' AND reason = 'gateway_busy'
