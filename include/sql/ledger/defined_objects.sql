-- Functions and views of the ledger's schemas, each as a command can name it. Called by store/ledger/definitions.py.
SELECT
    'FUNCTION' AS kind,
    n.nspname || '.' || p.proname AS name,
    p.oid::regprocedure::text AS signature
FROM pg_proc AS p
INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
WHERE n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements')
UNION ALL
SELECT
    'VIEW' AS kind,
    n.nspname || '.' || c.relname AS name,
    c.oid::regclass::text AS signature
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements') AND c.relkind = 'v'
