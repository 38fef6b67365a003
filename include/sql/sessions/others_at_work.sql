-- Other processes at work, by what their sessions are called: when each last gave a sign of life, and for how many
-- seconds it has been silent by now. Of one that has a session for its beats, these alone count.
-- Called by store/ledger/sessions.py.
SELECT
    s.name,
    s.alive_at,
    extract(EPOCH FROM clock_timestamp() - s.alive_at)::double precision AS silent_for
FROM (
    SELECT
        substring(a.application_name FROM '^motcua at work [0-9a-f]+') AS name,
        coalesce(
            max(a.state_change) FILTER (WHERE a.application_name LIKE '%% beats'),
            max(coalesce(a.state_change, a.backend_start))
        ) AS alive_at
    FROM pg_stat_activity AS a
    WHERE
        a.datname = current_database()
        AND a.usename = current_user
        AND a.application_name LIKE 'motcua at work %%'
    GROUP BY 1
) AS s
WHERE s.name <> %(own)s
