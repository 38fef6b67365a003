-- How many rows these tables hold, about: as the server last counted them, or by their size where it never did.
-- Called by sources/checking.py.
SELECT
    n.nspname AS schema_name,
    c.relname AS table_name,
    CASE
        WHEN c.reltuples >= 0 THEN c.reltuples::bigint
        ELSE pg_relation_size(c.oid) / 200
    END AS about_rows
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN unnest(%(schemas)s::text[], %(tables)s::text[]) AS a (schema_name, table_name)
    ON n.nspname = a.schema_name AND c.relname = a.table_name
