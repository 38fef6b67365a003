-- Attempts of one run by outcome, with how many of their messages are unresolved; what waits because people stopped
-- it, or for their word, is not. Runs of two DAGs may have one name (both are made for 17:30): what is known to be
-- another's is left out, where it is known for which run this session works. Called by store/notices/attempts.py.
SELECT
    a.outcome,
    count(*) FILTER (
        WHERE m.state IN ('queued', 'sending', 'unknown') AND coalesce(m.reason, '') NOT IN ('stopped', 'slept')
    ) AS unresolved
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE
    a.run_id = %(run_id)s
    AND coalesce(a.run_no = nullif(current_setting('motcua.run', TRUE), '')::bigint, TRUE)
GROUP BY a.outcome
