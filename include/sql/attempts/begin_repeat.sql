-- Attempts without an answer whose requests are repeated under the same reference: in flight again, by this settler,
-- so that nobody releases their messages meanwhile and its death is noticed. Called by store/notices/attempts.py.
UPDATE motcua.attempts
SET state = 'in_flight', sender_id = %(sender_id)s
WHERE attempt_id = any(%(attempt_ids)s) AND state = 'unknown' AND NOT released
