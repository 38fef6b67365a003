-- Name the sessions of processes that work on the ledger, and find and end such sessions. Called by
-- store/ledger/sessions.py.

-- name: name
-- Set the name of this session.
SELECT set_config('application_name', %(name)s, FALSE);

-- name: begin_beats
-- Set this session up for a process's heartbeats: set its name, limit the wait for a locked row to half a second, and
-- do not wait for the disk.
SELECT
    set_config('application_name', %(name)s, FALSE),
    set_config('lock_timeout', '500', FALSE),
    set_config('synchronous_commit', 'off', FALSE);

-- name: others_at_work
-- Return the other running processes, by the names of their sessions, each with its last heartbeat and the seconds
-- since then (pg_stat_activity). If a process has a session for heartbeats, only that session counts.
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
-- End all sessions of the given processes, and return their number (pg_stat_activity). PostgreSQL then releases the
-- locks of these sessions.
SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) AS ended
FROM pg_stat_activity AS a
WHERE
    a.datname = current_database()
    AND a.usename = current_user
    AND substring(a.application_name FROM '^motcua at work [0-9a-f]+') = any(%(names)s);
