-- Attempts of one run by outcome, with how many of their messages are unresolved. Called by store/notices/attempts.py.
SELECT
    a.outcome,
    count(*) FILTER (WHERE m.state IN ('queued', 'sending', 'unknown')) AS unresolved
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE a.run_id = %(run_id)s
GROUP BY a.outcome
