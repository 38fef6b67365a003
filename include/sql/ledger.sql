-- Read the database itself: its objects and their comments, the rights that roles have beyond those that the ledger
-- grants, and facts about a dump. Called by store/ledger/dumps.py, store/ledger/provisioning.py,
-- store/ledger/definitions.py and store/ledger/inspecting.py.

-- name: defined_objects
-- Return the functions and views of the ledger's schemas, each with the signature by which SQL commands such as DROP
-- FUNCTION name it (pg_proc, pg_class).
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
WHERE n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements') AND c.relkind = 'v';

-- name: functions_in_indexes
-- Return the ledger's functions whose values are stored in indexes, each with its definition and these indexes
-- (pg_proc, pg_index).
SELECT
    p.oid::regprocedure::text AS function_name,
    pg_get_functiondef(p.oid) AS definition,
    string_agg(DISTINCT d.objid::regclass::text, ', ') AS indexes
FROM pg_proc AS p
INNER JOIN pg_depend AS d ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
INNER JOIN pg_index AS i ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
WHERE p.pronamespace IN ('motcua'::regnamespace, 'audit'::regnamespace)
GROUP BY p.oid;

-- name: is_of_before
-- Return whether the pages, the callbacks app or the purge of an earlier version may still be running (pg_proc). In
-- earlier versions these programs took advisory locks themselves; now functions of the ledger take the locks. The
-- result is true if the ledger exists and the role of the callbacks app may not call such a function,
-- motcua.wait_for_phone.
SELECT
    to_regclass('motcua.messages') IS NOT NULL
    AND NOT EXISTS (
        SELECT 1
        FROM pg_proc AS p
        INNER JOIN pg_roles AS r ON has_function_privilege(r.oid, p.oid, 'EXECUTE')
        WHERE p.oid = to_regprocedure('motcua.wait_for_phone(text)') AND r.rolname = 'motcua_callbacks'
    ) AS is_of_before;

-- name: doors
-- Return PostgreSQL's own functions for advisory locks and large objects, which every role may call by default
-- (pg_proc).
SELECT
    p.oid::regprocedure::text AS named,
    p.proname ~ '^pg_' AS is_of_locks
FROM pg_proc AS p
WHERE
    p.pronamespace = 'pg_catalog'::regnamespace
    AND p.proname ~ '^(pg_(try_)?advisory_(xact_)?lock.*|lo_.*|loread|lowrite)$'
ORDER BY named;

-- name: open_doors
-- Return the rights that the ledger's roles have beyond those that the ledger grants them (pg_roles, pg_database,
-- pg_proc): to connect to the server's own databases, to make large objects or temporary tables, and to take advisory
-- locks. PostgreSQL gives such rights to every role by default, or an earlier version granted them. The owner and the
-- role that sends messages (locking) may take locks and make temporary tables, and the owner may make large objects, so
-- these are not returned. Superusers and other roles that may act as the owner are left out.
WITH our_role AS (
    SELECT r.oid, r.rolname, r.rolname = %(owner)s AS is_owner, r.rolname IN (%(owner)s, %(locking)s) AS locks
    FROM pg_roles AS r
    LEFT JOIN pg_roles AS w ON w.rolname = %(owner)s
    WHERE
        r.rolname = any(%(roles)s) AND NOT r.rolsuper
        AND (r.oid = w.oid OR NOT coalesce(pg_has_role(r.oid, w.oid, 'MEMBER'), FALSE))
)

SELECT r.rolname AS role, 'connects to ' || d.datname AS door
FROM our_role AS r
INNER JOIN pg_database AS d ON has_database_privilege(r.oid, d.oid, 'CONNECT')
WHERE d.datallowconn AND (d.datistemplate OR d.datname = 'postgres')
UNION ALL
SELECT r.rolname, 'makes large objects'
FROM our_role AS r
WHERE NOT r.is_owner AND has_function_privilege(r.oid, 'pg_catalog.lo_create(oid)', 'EXECUTE')
UNION ALL
SELECT r.rolname, 'makes temporary tables'
FROM our_role AS r
INNER JOIN pg_database AS d ON has_database_privilege(r.oid, d.oid, 'TEMPORARY')
WHERE NOT r.locks AND d.datname = current_database()
UNION ALL
SELECT r.rolname, 'takes any lock'
FROM our_role AS r
WHERE
    NOT r.locks
    AND EXISTS (
        SELECT 1 FROM pg_proc AS p
        WHERE
            p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ '^pg_(try_)?advisory_(xact_)?lock'
            AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
    )
ORDER BY role, door;

-- name: export_snapshot
-- Export this transaction's snapshot, and return the name by which another session can use it while this transaction
-- lasts (pg_export_snapshot).
SELECT pg_export_snapshot() AS snapshot;

-- name: facts
-- Return the facts that are written to a file beside a dump, so that they are known before the dump is opened
-- (motcua.attempts, public._yoyo_migration). The result holds no personal data.
SELECT
    (SELECT max(m.migration_id) FROM public._yoyo_migration AS m) AS migration,
    (SELECT max(a.started_at) FROM motcua.attempts AS a) AS last_attempt_at,
    pg_database_size(current_database()) AS size;

-- name: tables
-- Return every table in the database, whoever made it (pg_class).
SELECT
    n.nspname AS schema_name,
    c.relname AS table_name
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE
    c.relkind IN ('r', 'p')
    AND n.nspname NOT LIKE 'pg\_%%'
    AND n.nspname <> 'information_schema'
ORDER BY n.nspname, c.relname;

-- name: objects
-- Return at most five objects that were made in the database (pg_namespace, pg_class, pg_proc). No row means that the
-- database is empty.
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
LIMIT 5;

-- name: what_is_there
-- Return which of the given schemas exist, and which migrations the ledger has, both in the order of their names
-- (pg_namespace, public._yoyo_migration). Called by store/ledger/migrations.py.
SELECT
    (
        SELECT coalesce(array_agg(n.nspname::text ORDER BY n.nspname), '{}')
        FROM pg_namespace AS n WHERE n.nspname = any(%(schemas)s)
    ) AS schemas,
    (
        SELECT coalesce(array_agg(m.migration_id::text ORDER BY m.migration_id), '{}')
        FROM public._yoyo_migration AS m
    ) AS migrations;

-- name: columns_in_words
-- Return every table of the schemas motcua and intake with its columns and their comments (pg_class, pg_attribute).
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
