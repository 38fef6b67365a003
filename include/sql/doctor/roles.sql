-- Roles of a deployment that are there, each with the rights over the whole server that it has, whether it can act as
-- the schema's owner, and how it may log in. Called by store/ledger/inspecting.py.
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
                -- The owner gives the role that empties its function.
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
ORDER BY r.rolname
