-- Is the ledger, and what it stands on, as this version leaves it: server, roles, definitions, rights, Airflow's
-- database. Called by store/ledger/inspecting.py and jobs/doctor/airflow.py.

-- name: server
-- The server's clock, its version, and the time zone that it gives a session that asks for none.
SELECT
    clock_timestamp() AS clock,
    current_setting('server_version_num')::integer AS version,
    (SELECT s.reset_val FROM pg_settings AS s WHERE s.name = 'TimeZone') AS zone;

-- name: roles
-- Roles of a deployment that are there, each with the rights over the whole server that it has, and whether it can act
-- as the schema's owner.
SELECT
    r.rolname AS name,
    array_remove(
        ARRAY[
            CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
            CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
            CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
            CASE WHEN r.rolreplication THEN 'REPLICATION' END,
            CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
            CASE
                WHEN NOT r.rolsuper AND r.rolname <> o.rolname AND pg_has_role(r.oid, o.oid, 'MEMBER')
                    THEN 'member of ' || o.rolname
            END
        ],
        NULL
    ) AS rights
FROM pg_roles AS r
LEFT JOIN pg_roles AS o ON o.rolname = %(owner)s
WHERE r.rolname = any(%(names)s)
ORDER BY r.rolname;

-- name: migrations
-- Names of the migrations that the ledger has.
SELECT m.migration_id FROM motcua.applied_migrations AS m;

-- name: triggers
-- Triggers of the ledger's tables; one that is disabled keeps nothing from happening.
SELECT t.tgname AS name, n.nspname || '.' || c.relname AS of_table, t.tgenabled <> 'D' AS enabled
FROM pg_trigger AS t
INNER JOIN pg_class AS c ON t.tgrelid = c.oid
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE NOT t.tgisinternal AND n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements');

-- name: functions
-- What each function of the ledger's schemas does, as it stands there; of one name there may be several.
SELECT n.nspname || '.' || p.proname AS name, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) AS body
FROM pg_proc AS p
INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
WHERE n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements');

-- name: temporary_function
-- What this session's own function does, as PostgreSQL writes it.
SELECT pg_get_function_sqlbody(p.oid) AS body
FROM pg_proc AS p
WHERE p.proname = 'doctor_looks' AND p.pronamespace = pg_my_temp_schema();

-- name: views
-- What each view of the ledger's schemas shows, as PostgreSQL writes it.
SELECT n.nspname || '.' || c.relname AS name, pg_get_viewdef(c.oid) AS body
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE c.relkind = 'v' AND n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements');

-- name: temporary_view
-- What this session's own view shows, as PostgreSQL writes it.
SELECT pg_get_viewdef(c.oid) AS body
FROM pg_class AS c
WHERE c.relname = 'doctor_looks' AND c.relnamespace = pg_my_temp_schema();

-- name: table_rights
-- Rights on tables and views of the ledger's schemas, as a whole or on a column, of roles that are not the owner's.
WITH lists AS (
    SELECT
        c.oid AS of_table,
        c.relacl AS acl
    FROM pg_class AS c
    UNION ALL
    SELECT
        b.attrelid,
        b.attacl
    FROM pg_attribute AS b
    WHERE NOT b.attisdropped
)

SELECT DISTINCT
    n.nspname || '.' || c.relname AS named,
    r.rolname AS role,
    a.privilege_type AS privilege
FROM lists AS l
INNER JOIN pg_class AS c ON l.of_table = c.oid
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
CROSS JOIN aclexplode(l.acl) AS a
INNER JOIN pg_roles AS r ON a.grantee = r.oid
WHERE
    c.relkind IN ('r', 'v')
    AND n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements')
    AND a.grantee <> c.relowner
    AND r.rolname = any(%(roles)s);

-- name: source_role
-- Whether our role at a source may do more than read there.
WITH writable AS (
    SELECT c.oid
    FROM pg_class AS c
    INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
    WHERE
        c.relkind IN ('r', 'p', 'v')
        AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND has_schema_privilege(n.oid, 'USAGE')
        AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
)

SELECT r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolbypassrls OR EXISTS (SELECT 1 FROM writable) AS may_write
FROM pg_roles AS r
WHERE r.rolname = current_user;

-- name: agencies_without_dossiers
-- Agencies that were enabled before a moment and of which no source ever brought a dossier.
SELECT g.agency_code
FROM motcua.agencies AS g
WHERE
    g.enabled_from <= %(before)s
    AND NOT EXISTS (SELECT 1 FROM motcua.dossiers AS d WHERE d.agency_code = g.agency_code)
ORDER BY g.agency_code;

-- name: airflow_answers
-- Whether Airflow's own database answers.
SELECT 1 AS answers;

-- name: airflow_version
-- The migration that Airflow's own database is at; asked in that database.
SELECT version_num FROM alembic_version;

-- name: airflow_roles_held
-- Roles that anybody has who may sign in, where FAB keeps the accounts; asked in Airflow's own database.
SELECT DISTINCT r.name
FROM ab_user AS u
INNER JOIN ab_user_role AS h ON u.id = h.user_id
INNER JOIN ab_role AS r ON h.role_id = r.id
WHERE u.active;
