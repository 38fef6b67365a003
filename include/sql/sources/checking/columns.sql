-- Columns of a table or view, with their types; no row: there is none, or it may not be seen. Called by
-- sources/checking.py.
SELECT
    a.attname AS name,
    format_type(a.atttypid, NULL) AS type
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass(%(relation)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
