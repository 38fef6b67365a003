-- Processes at work on the ledger, told by the names of their sessions. Called by store/ledger/sessions.py.

-- name: name
-- What this session is called from now on.
SELECT set_config('application_name', %(name)s, FALSE);

-- name: begin_beats
-- This session is for the beats of a process: called so, never long behind a row that another one holds, and without
-- waiting for the disk.
SELECT
    set_config('application_name', %(name)s, FALSE),
    set_config('lock_timeout', '500', FALSE),
    set_config('synchronous_commit', 'off', FALSE);

-- name: others_at_work
-- Other processes at work, by what their sessions are called: when each last gave a sign of life, and for how many
-- seconds it has been silent by now. Of one that has a session for its beats, these alone count.
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
WHERE s.name <> %(own)s;

-- name: end
-- Ends all sessions of processes at work; PostgreSQL gives back what they had locked. How many there were.
SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) AS ended
FROM pg_stat_activity AS a
WHERE
    a.datname = current_database()
    AND a.usename = current_user
    AND substring(a.application_name FROM '^motcua at work [0-9a-f]+') = any(%(names)s);
