-- Which of these schemas there are, and which migrations the ledger has, each in order. Called by
-- store/ledger/migrations.py.
SELECT
    (
        SELECT coalesce(array_agg(n.nspname::text ORDER BY n.nspname), '{}')
        FROM pg_namespace AS n WHERE n.nspname = any(%(schemas)s)
    ) AS schemas,
    (
        SELECT coalesce(array_agg(m.migration_id::text ORDER BY m.migration_id), '{}')
        FROM public._yoyo_migration AS m
    ) AS migrations
