-- Messages that waited for the row of these dossiers because of an old step: due at once, now that it was read.
-- Called by store/notices/messages.py.
UPDATE motcua.messages
SET next_attempt_at = %(now)s
WHERE dossier_id = any(%(dossier_ids)s) AND state = 'queued' AND reason = 'old_step' AND next_attempt_at > %(now)s
