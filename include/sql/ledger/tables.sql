-- Every table in the database, whoever made it. Called by store/ledger/dumps.py.
SELECT
    n.nspname AS schema_name,
    c.relname AS table_name
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE
    c.relkind IN ('r', 'p')
    AND n.nspname NOT LIKE 'pg\_%%'
    AND n.nspname <> 'information_schema'
ORDER BY n.nspname, c.relname
