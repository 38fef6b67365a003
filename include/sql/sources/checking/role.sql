-- Whether our role at a source is its superuser, whether it may do more than read there, and whether the database
-- does not know how its letters are written. Called by sources/checking.py.
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
WHERE r.rolname = current_user
