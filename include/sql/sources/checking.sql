-- What is asked of a source to judge it: of rows that are wrong some, with how many there are. Rows are read
-- as sources/reading.sql says. Called by sources/checking.py.

-- name: role
-- Whether our role at a source is its superuser, whether it may do more than read there, and whether the database does
-- not know how its letters are written.
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
-- Columns of a table or view, with their types; no row: there is none, or it may not be seen.
SELECT
    a.attname AS name,
    format_type(a.atttypid, NULL) AS type
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass(%(relation)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: table_sizes
-- How many rows these tables hold, about: as the server last counted them, or by their size where it never did.
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
-- The transitions with the highest numbers, and those without one.
SELECT *
FROM source_transitions
ORDER BY transition_id DESC
LIMIT %(most)s;

-- name: newest_by_time
-- The transitions recorded last, and those without a time: the newest ones, whatever their numbers.
SELECT *
FROM source_transitions
ORDER BY recorded_at DESC
LIMIT %(most)s;

-- name: newest_dossiers
-- The dossier rows changed last, and those without a time.
SELECT *
FROM source_dossiers
ORDER BY updated_at DESC
LIMIT %(most)s;

-- name: double_dossiers
-- Dossiers that stand in several rows, some of them, with how many there are.
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
-- Numbers that several transitions have, some of them, each with one of the dossiers, and how many such numbers there
-- are.
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
