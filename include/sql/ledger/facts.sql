-- What a dump's reader wants to know of the ledger before opening it; no personal data. Called by
-- store/ledger/dumps.py.
SELECT
    (SELECT max(m.migration_id) FROM public._yoyo_migration AS m) AS migration,
    (SELECT max(a.started_at) FROM motcua.attempts AS a) AS last_attempt_at,
    pg_database_size(current_database()) AS size
