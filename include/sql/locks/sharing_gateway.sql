-- How many connections to this database have requests for a gateway. Called by store/ledger/locks.py.
SELECT count(*) AS connections
FROM pg_locks AS l
INNER JOIN pg_database AS d ON l.database = d.oid
WHERE
    l.locktype = 'advisory'
    AND l.granted
    AND d.datname = current_database()
    AND l.classid::bigint = hashtext(%(gateway)s)::bigint & 4294967295
    AND l.objid::bigint = 0
    AND l.objsubid = 2
