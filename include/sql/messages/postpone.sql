-- Claimed messages that must wait. Called by store/messages.py.
UPDATE motcua.messages SET next_attempt_at = %(until)s
WHERE message_id = any(%(message_ids)s)
