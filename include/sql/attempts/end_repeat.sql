-- A repeated request that proved nothing: its attempt's end is unknown as before. Called by store/notices/attempts.py.
UPDATE motcua.attempts
SET state = 'unknown'
WHERE attempt_id = %(attempt_id)s AND state = 'in_flight' AND sender_id = %(sender_id)s
