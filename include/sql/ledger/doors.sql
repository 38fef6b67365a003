-- Functions of PostgreSQL's own that everybody may call at first: those that take an advisory lock, and those of large
-- objects. Called by store/ledger/provisioning.py.
SELECT
    p.oid::regprocedure::text AS named,
    p.proname ~ '^pg_' AS is_of_locks
FROM pg_proc AS p
WHERE
    p.pronamespace = 'pg_catalog'::regnamespace
    AND p.proname ~ '^(pg_(try_)?advisory_(xact_)?lock.*|lo_.*|loread|lowrite)$'
ORDER BY named
