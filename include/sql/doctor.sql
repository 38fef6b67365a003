-- Read the state of the server, the ledger and Airflow's database. The doctor, the command that runs all checks of an
-- installation, compares this state with the state that this version of the program expects. Called by
-- store/ledger/inspecting.py and jobs/doctor/airflow.py.

-- name: server
-- Return the server's clock, its version, and the number of sessions that the database allows (pg_database).
SELECT
    clock_timestamp() AS clock,
    current_setting('server_version_num')::integer AS version,
    d.datconnlimit AS sessions
FROM pg_database AS d
WHERE d.datname = current_database();

-- name: roles
-- Return the roles of this installation that exist (pg_roles). Each row has the role's rights over the whole server,
-- its memberships in other roles, its limit of sessions, and the time at which its password expires.
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
            END,
            CASE WHEN r.rolname = 'motcua_eraser' AND r.rolcanlogin THEN 'LOGIN' END,
            (
                SELECT 'member of ' || string_agg(g.rolname, ', ' ORDER BY g.rolname)
                FROM pg_auth_members AS m
                INNER JOIN pg_roles AS g ON m.roleid = g.oid
                -- Memberships that concern the schema's owner are left out, because the owner must be able to grant the
                -- role motcua_eraser.
                WHERE m.member = r.oid AND r.oid <> o.oid AND g.oid <> o.oid
            )
        ],
        NULL
    ) AS rights,
    r.rolconnlimit AS sessions,
    nullif(r.rolvaliduntil, 'infinity') AS valid_until
FROM pg_roles AS r
LEFT JOIN pg_roles AS o ON o.rolname = %(owner)s
WHERE r.rolname = any(%(names)s)
ORDER BY r.rolname;

-- name: migrations
-- Return the names of the migrations that the ledger has (motcua.applied_migrations).
SELECT m.migration_id FROM motcua.applied_migrations AS m;

-- name: source_role
-- Return whether the role with which the system connects to a source may do more than read there (pg_roles, pg_class).
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
-- Return the agencies that were enabled before a time and have no dossier from any source (motcua.agencies,
-- motcua.dossiers).
SELECT g.agency_code
FROM motcua.agencies AS g
WHERE
    g.enabled_from <= %(before)s
    AND NOT EXISTS (SELECT 1 FROM motcua.dossiers AS d WHERE d.agency_code = g.agency_code)
ORDER BY g.agency_code;

-- name: airflow_answers
-- Return a row if Airflow's own database answers.
SELECT 1 AS answers;

-- name: airflow_version
-- Return the identifier of the last migration of Airflow's own database. The query runs in that database
-- (alembic_version).
SELECT version_num FROM alembic_version;

-- name: airflow_roles_held
-- Return the roles that active accounts have, if Airflow's auth manager FAB stores the accounts (ab_user_role). The
-- query runs in Airflow's own database.
SELECT DISTINCT r.name
FROM ab_user AS u
INNER JOIN ab_user_role AS h ON u.id = h.user_id
INNER JOIN ab_role AS r ON h.role_id = r.id
WHERE u.active;

-- name: parameters
-- Return the server's parameters as a new session sees them, each with the place where its value was set (pg_settings).
-- If asked_for is true, only parameters that the connection itself sets are returned.
SELECT
    s.name,
    s.reset_val AS setting,
    coalesce(s.unit, '') AS unit,
    s.boot_val AS by_default,
    s.source
FROM pg_settings AS s
WHERE s.reset_val IS NOT NULL AND (s.source = 'client' OR NOT %(asked_for)s::boolean);

-- name: set_apart
-- Return the server parameters that are set for one of the installation's roles, for this database, or for a role in
-- this database (pg_db_role_setting). An empty role or database means all.
SELECT
    coalesce(r.rolname::text, '') AS role,
    coalesce(d.datname::text, '') AS database,
    split_part(c.written, '=', 1) AS name,
    substr(c.written, strpos(c.written, '=') + 1) AS setting
FROM pg_db_role_setting AS s
CROSS JOIN unnest(s.setconfig) AS c (written)
LEFT JOIN pg_roles AS r ON s.setrole = r.oid
LEFT JOIN pg_database AS d ON s.setdatabase = d.oid
WHERE (s.setrole = 0 OR r.rolname = any(%(roles)s)) AND (s.setdatabase = 0 OR d.datname = current_database())
ORDER BY role, database, name;

-- name: objects
-- Return every object of the ledger's schemas with a hash of its definition, its owner and the privileges of other
-- roles (pg_class, pg_proc and other catalogs). An empty owner means the owner of the schema motcua. A privilege is
-- written as the role and the right, followed by the column if the right is for one column only. The comment on an
-- object is part of its definition. Two ledgers of the same version have the same result, because the definition leaves
-- out the order of columns and whether a constraint was checked for earlier rows. The caller sets an empty search_path,
-- so that every name has its schema.
WITH ours AS (
    SELECT
        n.oid AS schema_id,
        n.nspname,
        n.nspowner,
        n.nspacl
    FROM pg_namespace AS n
    WHERE n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements')
),

relations AS (
    SELECT
        c.oid AS relation_id,
        o.nspname || '.' || c.relname AS name,
        c.relkind,
        c.relowner,
        c.relacl,
        concat_ws(
            ' ', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
            array_to_string(c.reloptions, ',')
        ) AS made_as
    FROM pg_class AS c
    INNER JOIN ours AS o ON c.relnamespace = o.schema_id
    -- The tables of schema quality are left out, because each check of data quality makes them as its snapshot of the
    -- ledger.
    WHERE o.nspname <> 'quality'
),

columns_of AS (
    SELECT
        a.attrelid,
        string_agg(
            concat_ws(
                ' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                nullif(a.attcollation, t.typcollation)::regcollation, pg_get_expr(d.adbin, d.adrelid),
                a.attstattarget, col_description(a.attrelid, a.attnum)
            ), ', ' ORDER BY a.attname
        ) AS said
    FROM pg_attribute AS a
    INNER JOIN pg_type AS t ON a.atttypid = t.oid
    LEFT JOIN pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
    GROUP BY a.attrelid
),

objects AS (
    SELECT
        'schema' AS kind,
        o.nspname::text AS name,
        '' AS said,
        o.nspowner AS belongs_to,
        o.nspacl AS acl,
        NULL::oid AS relation_id
    FROM ours AS o
    UNION ALL
    SELECT
        CASE r.relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END,
        r.name,
        concat_ws(
            ' ', r.made_as, obj_description(r.relation_id, 'pg_class'), c.said,
            CASE r.relkind WHEN 'v' THEN pg_get_viewdef(r.relation_id) END,
            s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcycle
        ),
        r.relowner,
        r.relacl,
        r.relation_id
    FROM relations AS r
    LEFT JOIN columns_of AS c ON r.relation_id = c.attrelid
    LEFT JOIN pg_sequence AS s ON r.relation_id = s.seqrelid
    WHERE r.relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL
    SELECT
        'index',
        r.name,
        concat_ws(' ', pg_get_indexdef(r.relation_id), i.indisvalid, i.indisready),
        r.relowner,
        NULL,
        NULL
    FROM relations AS r
    INNER JOIN pg_index AS i ON r.relation_id = i.indexrelid
    -- Indexes that belong to a constraint are left out here, because they are listed with the constraint.
    WHERE NOT EXISTS (SELECT 1 FROM pg_constraint AS n WHERE n.conindid = i.indexrelid AND n.conrelid = i.indrelid)
    UNION ALL
    SELECT
        'constraint',
        coalesce(r.name || ' ', '') || n.conname,
        concat_ws(
            ' ', regexp_replace(pg_get_constraintdef(n.oid), ' NOT VALID$', ''), n.conenforced,
            (SELECT min('off') FROM pg_trigger AS t WHERE t.tgconstraint = n.oid AND t.tgenabled = 'D')
        ),
        coalesce(r.relowner, o.nspowner),
        NULL,
        NULL
    FROM pg_constraint AS n
    INNER JOIN ours AS o ON n.connamespace = o.schema_id
    LEFT JOIN relations AS r ON n.conrelid = r.relation_id
    -- NOT NULL constraints are left out because they are part of their column, and constraint triggers because they are
    -- listed as triggers.
    WHERE n.contype NOT IN ('n', 't')
    UNION ALL
    SELECT
        'trigger',
        t.tgname || ' on ' || r.name,
        concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled),
        r.relowner,
        NULL,
        NULL
    FROM pg_trigger AS t
    INNER JOIN relations AS r ON t.tgrelid = r.relation_id
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT
        'rule',
        w.rulename || ' on ' || r.name,
        concat_ws(' ', pg_get_ruledef(w.oid), w.ev_enabled),
        r.relowner,
        NULL,
        NULL
    FROM pg_rewrite AS w
    INNER JOIN relations AS r ON w.ev_class = r.relation_id
    WHERE w.rulename <> '_RETURN'
    UNION ALL
    SELECT
        'function',
        o.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
        concat_ws(' ', pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc')),
        p.proowner,
        coalesce(p.proacl, acldefault('f', p.proowner)),
        NULL
    FROM pg_proc AS p
    INNER JOIN ours AS o ON p.pronamespace = o.schema_id
    WHERE p.prokind IN ('f', 'p')
    UNION ALL
    SELECT
        'type',
        o.nspname || '.' || t.typname,
        concat_ws(
            ' ', t.typtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
            (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid)
        ),
        t.typowner,
        NULL,
        NULL
    FROM pg_type AS t
    INNER JOIN ours AS o ON t.typnamespace = o.schema_id
    WHERE t.typtype IN ('d', 'e', 'r')
    UNION ALL
    SELECT
        'statistics',
        o.nspname || '.' || e.stxname,
        pg_get_statisticsobjdef(e.oid),
        e.stxowner,
        NULL,
        NULL
    FROM pg_statistic_ext AS e
    INNER JOIN ours AS o ON e.stxnamespace = o.schema_id
),

-- Privileges exist on whole objects and on single columns.
lists AS (
    SELECT
        b.kind,
        b.name,
        '' AS on_column,
        b.acl,
        b.belongs_to
    FROM objects AS b
    UNION ALL
    SELECT
        b.kind,
        b.name,
        ' ' || a.attname,
        a.attacl,
        b.belongs_to
    FROM objects AS b
    INNER JOIN pg_attribute AS a ON b.relation_id = a.attrelid
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
),

rights AS (
    SELECT
        l.kind,
        l.name,
        array_agg(
            DISTINCT coalesce(r.rolname, 'PUBLIC') || ' ' || g.privilege_type || l.on_column
            || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
        ) AS given
    FROM lists AS l
    CROSS JOIN aclexplode(l.acl) AS g
    LEFT JOIN pg_roles AS r ON g.grantee = r.oid
    WHERE g.grantee <> l.belongs_to
    GROUP BY l.kind, l.name
)

SELECT
    b.kind,
    b.name,
    md5(b.said) AS made_as,
    CASE WHEN b.belongs_to <> (SELECT o.nspowner FROM ours AS o WHERE o.nspname = 'motcua') THEN w.rolname ELSE '' END
        AS owner,
    coalesce(r.given, '{}') AS rights
FROM objects AS b
INNER JOIN pg_roles AS w ON b.belongs_to = w.oid
LEFT JOIN rights AS r ON b.kind = r.kind AND b.name = r.name
ORDER BY b.kind, b.name;
