-- What roles of the ledger may do beyond its rights because PostgreSQL lets everybody, or an earlier version gave it:
-- connect to the server's own databases, fill the disk, take locks. Locks are for the tasks alone, which send, and
-- temporary tables for those, which look at definitions by them. A role that may act as the owner is told of as such.
-- Called by store/ledger/provisioning.py.
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
ORDER BY role, door
