-- Whether any connection to this database has the advisory lock. Called by store/ledger/locks.py.
SELECT EXISTS(
    SELECT 1
    FROM pg_locks AS l
    INNER JOIN pg_database AS d ON l.database = d.oid
    WHERE
        l.locktype = 'advisory'
        AND l.granted
        AND d.datname = CURRENT_DATABASE()
        AND l.classid::bigint = %(number)s::bigint >> 32
        AND l.objid::bigint = %(number)s::bigint & 4294967295
        AND l.objsubid = 1
) AS held
