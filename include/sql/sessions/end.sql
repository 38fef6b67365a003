-- Ends all sessions of processes at work; PostgreSQL gives back what they had locked. How many there were.
-- Called by store/ledger/sessions.py.
SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) AS ended
FROM pg_stat_activity AS a
WHERE
    a.datname = current_database()
    AND a.usename = current_user
    AND substring(a.application_name FROM '^motcua at work [0-9a-f]+') = any(%(names)s)
