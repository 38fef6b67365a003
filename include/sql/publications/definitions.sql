-- The functions and views of audit, intake and motcua, each as PostgreSQL writes it out; of this a publication names
-- the SHA-256. Needs no right but to connect. Called by store/oversight/publications.py.
SELECT
    n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS name,
    pg_get_functiondef(p.oid) AS text
FROM pg_proc AS p
INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
WHERE n.nspname IN ('audit', 'intake', 'motcua') AND p.prokind = 'f'
UNION ALL
SELECT
    n.nspname || '.' || c.relname AS name,
    pg_get_viewdef(c.oid) AS text
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname IN ('audit', 'intake', 'motcua') AND c.relkind = 'v'
ORDER BY name
