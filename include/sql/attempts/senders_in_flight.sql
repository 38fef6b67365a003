-- Senders with attempts in flight. Called by store/notices/attempts.py.
SELECT DISTINCT sender_id
FROM motcua.attempts
WHERE state = 'in_flight'
