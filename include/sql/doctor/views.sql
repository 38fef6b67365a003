-- What each view of the ledger's schemas shows, as PostgreSQL writes it. Called by store/ledger/inspecting.py.
SELECT n.nspname || '.' || c.relname AS name, pg_get_viewdef(c.oid) AS body
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE c.relkind = 'v' AND n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements')
