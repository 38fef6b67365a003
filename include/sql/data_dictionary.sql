-- The ledger's tables in words. Called by store/ledger/inspecting.py.

-- name: columns
-- Every table and view of the ledger with its columns and their comments.
SELECT
    n.nspname AS schema_name,
    c.relname AS table_name,
    c.relkind = 'v' AS is_view,
    obj_description(c.oid, 'pg_class') AS table_comment,
    a.attname AS column_name,
    format_type(a.atttypid, a.atttypmod) AS column_type,
    NOT a.attnotnull AS nullable,
    col_description(c.oid, a.attnum) AS column_comment
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('intake', 'motcua') AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE '%%yoyo%%'
ORDER BY n.nspname DESC, c.relname, a.attnum;
