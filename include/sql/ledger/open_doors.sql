-- What roles of the ledger may do beyond its rights because PostgreSQL lets everybody, or an earlier version gave it:
-- connect to the server's own databases, fill the disk, take locks that senders go by. Those that senders go by are the
-- tasks' alone, which also look at definitions by means of temporary ones. Called by store/ledger/provisioning.py.
SELECT
    r.rolname AS role,
    o.door
FROM pg_roles AS r
CROSS JOIN LATERAL (
    SELECT 'connects to ' || d.datname AS door
    FROM pg_database AS d
    WHERE d.datallowconn AND (d.datistemplate OR d.datname = 'postgres') AND has_database_privilege(r.oid, d.oid, 'CONNECT')
    UNION ALL
    SELECT 'makes large objects'
    WHERE r.rolname <> %(owner)s AND has_function_privilege(r.oid, 'pg_catalog.lo_create(oid)', 'EXECUTE')
    UNION ALL
    SELECT 'makes temporary tables'
    WHERE
        r.rolname NOT IN (%(owner)s, %(locking)s)
        AND has_database_privilege(r.oid, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()), 'TEMPORARY')
    UNION ALL
    SELECT 'takes any lock'
    WHERE
        r.rolname NOT IN (%(owner)s, %(locking)s)
        AND EXISTS (
            SELECT 1 FROM pg_proc AS p
            WHERE
                p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ '^pg_(try_)?advisory_(xact_)?lock'
                AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
        )
) AS o
WHERE r.rolname = any(%(roles)s) AND NOT r.rolsuper
ORDER BY r.rolname, o.door
