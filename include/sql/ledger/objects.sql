-- What somebody made in the database, at most five of it: nothing in one that is empty. Called by
-- store/ledger/dumps.py.
SELECT 'schema ' || n.nspname AS made
FROM pg_namespace AS n
WHERE n.nspname NOT LIKE 'pg\_%%' AND n.nspname NOT IN ('information_schema', 'public')
UNION ALL
SELECT c.oid::regclass::text AS made
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT p.oid::regprocedure::text AS made
FROM pg_proc AS p
WHERE p.pronamespace = 'public'::regnamespace
ORDER BY made
LIMIT 5
