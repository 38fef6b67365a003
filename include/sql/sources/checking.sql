-- Read from a source what the source check compares with the source contract, which defines the views that every source
-- must offer. sources/reading.sql explains source_dossiers and source_transitions. Called by sources/checking.py.

-- name: role
-- Return whether the role with which the system connects to a source is a superuser, whether it may do more than read
-- there, and whether the database's encoding is unknown (pg_roles, pg_class).
SELECT
    r.rolsuper AS is_superuser,
    r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls OR EXISTS (
        SELECT 1
        FROM pg_catalog.pg_class AS c
        INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
        WHERE
            c.relkind IN ('r', 'p', 'v', 'f')
            AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND n.nspname NOT LIKE 'pg_toast%%'
            AND has_schema_privilege(n.oid, 'USAGE')
            AND (
                has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                OR has_any_column_privilege(c.oid, 'INSERT, UPDATE')
            )
    ) AS may_write,
    current_setting('server_encoding') = 'SQL_ASCII' AS letters_unknown
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user;

-- name: columns
-- Return the columns of a table or view, with their types (pg_attribute). No row means that the table does not exist or
-- is not visible.
SELECT
    a.attname AS name,
    format_type(a.atttypid, NULL) AS type
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass(%(relation)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: table_sizes
-- Return the approximate number of rows of these tables (pg_class). It is the server's last count, or an estimate from
-- the table's size if the server never counted.
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
    ON n.nspname = a.schema_name AND c.relname = a.table_name;

-- name: newest_by_number
-- Return the transitions with the highest numbers, and transitions without a number (source_transitions).
SELECT *
FROM source_transitions
ORDER BY transition_id DESC
LIMIT %(most)s;

-- name: newest_by_time
-- Return the transitions that were recorded last, and transitions without a recorded time, whatever their numbers
-- (source_transitions).
SELECT *
FROM source_transitions
ORDER BY recorded_at DESC
LIMIT %(most)s;

-- name: newest_dossiers
-- Return the dossier rows that changed last, and dossier rows without a time of change (source_dossiers).
SELECT *
FROM source_dossiers
ORDER BY updated_at DESC
LIMIT %(most)s;

-- name: double_dossiers
-- Return some dossiers that have several rows, and the number of such dossiers (source_dossiers).
SELECT
    d.agency_code,
    d.dossier_code,
    count(*) OVER () AS doubles
FROM source_dossiers AS d
WHERE d.agency_code IS NOT NULL AND d.dossier_code IS NOT NULL
GROUP BY d.agency_code, d.dossier_code
HAVING count(*) > 1
ORDER BY d.agency_code, d.dossier_code
LIMIT %(most)s;

-- name: double_numbers
-- Return some numbers that several transitions share, each with one of their dossiers, and how many such numbers exist
-- (source_transitions).
SELECT
    t.transition_id,
    min(t.dossier_code) AS dossier_code,
    count(*) OVER () AS doubles
FROM source_transitions AS t
WHERE t.transition_id IS NOT NULL
GROUP BY t.transition_id
HAVING count(*) > 1
ORDER BY t.transition_id DESC
LIMIT %(most)s;
