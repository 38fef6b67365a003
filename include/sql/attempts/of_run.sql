-- Attempts of one run by outcome, with how many of their messages are unresolved; what waits because people stopped it
-- is not. Called by store/notices/attempts.py.
SELECT
    a.outcome,
    count(*) FILTER (
        WHERE m.state IN ('queued', 'sending', 'unknown') AND m.reason IS DISTINCT FROM 'stopped'
    ) AS unresolved
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE a.run_id = %(run_id)s
GROUP BY a.outcome
