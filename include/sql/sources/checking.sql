-- What is asked of a source to judge it: of rows that are wrong some, with how many there are. Times that Python cannot
-- hold come as in sources/reading.sql. Called by sources/checking.py.

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
SELECT
    transition_id,
    agency_code,
    dossier_code,
    left(from_step, 2000) AS from_step,
    left(to_step, 2000) AS to_step,
    status_code,
    at_one_stop_desk,
    CASE WHEN occurred_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN occurred_at END
        AS occurred_at,
    CASE WHEN recorded_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN recorded_at END
        AS recorded_at,
    left(actor, 2000) AS actor,
    left(note, 2000) AS note
FROM source_transitions
ORDER BY transition_id DESC
LIMIT %(most)s;

-- name: newest_by_time
-- The transitions recorded last, and those without a time: the newest ones, whatever their numbers.
SELECT
    t.transition_id,
    t.agency_code,
    t.dossier_code,
    left(t.from_step, 2000) AS from_step,
    left(t.to_step, 2000) AS to_step,
    t.status_code,
    t.at_one_stop_desk,
    CASE WHEN t.occurred_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN t.occurred_at END
        AS occurred_at,
    CASE WHEN t.recorded_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN t.recorded_at END
        AS recorded_at,
    left(t.actor, 2000) AS actor,
    left(t.note, 2000) AS note
FROM source_transitions AS t
ORDER BY t.recorded_at DESC
LIMIT %(most)s;

-- name: newest_dossiers
-- The dossier rows changed last, and those without a time.
SELECT
    d.dossier_code,
    d.agency_code,
    left(d.procedure_code, 2000) AS procedure_code,
    left(d.procedure_name, 2000) AS procedure_name,
    left(d.field_name, 2000) AS field_name,
    left(d.applicant_name, 2000) AS applicant_name,
    left(d.applicant_phone, 2000) AS applicant_phone,
    CASE
        WHEN d.phone_entered_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.phone_entered_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.phone_entered_at
    END AS phone_entered_at,
    left(d.submitted_via, 2000) AS submitted_via,
    CASE
        WHEN d.received_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.received_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.received_at
    END AS received_at,
    CASE
        WHEN d.due_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.due_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.due_at
    END AS due_at,
    left(d.step_name, 2000) AS step_name,
    d.status_code,
    d.at_one_stop_desk,
    CASE
        WHEN d.finished_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.finished_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.finished_at
    END AS finished_at,
    CASE
        WHEN d.returned_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.returned_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.returned_at
    END AS returned_at,
    CASE
        WHEN d.updated_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.updated_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.updated_at
    END AS updated_at
FROM source_dossiers AS d
ORDER BY d.updated_at DESC
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
