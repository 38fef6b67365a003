-- When the message that is due longest should have gone; NULL: none is due. Called by store/watching/metrics.py.
SELECT min(m.next_attempt_at) AS due
FROM motcua.messages AS m
WHERE m.state = 'queued' AND m.next_attempt_at <= %(now)s
