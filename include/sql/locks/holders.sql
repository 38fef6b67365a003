-- How many connections to this database have the advisory lock. Called by store/ledger/locks.py.
SELECT count(*) AS connections
FROM pg_locks AS l
INNER JOIN pg_database AS d ON l.database = d.oid
WHERE
    l.locktype = 'advisory'
    AND l.granted
    AND d.datname = current_database()
    AND l.classid::bigint = %(number)s::bigint >> 32
    AND l.objid::bigint = %(number)s::bigint & 4294967295
    AND l.objsubid = 1
