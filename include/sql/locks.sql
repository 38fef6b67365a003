-- Take and release advisory locks for a connection or a transaction, and use them as request slots of gateways. Called
-- by store/ledger/locks.py.

-- name: wait
-- Wait for an advisory lock, and hold it until this transaction ends.
SELECT pg_advisory_xact_lock(%(number)s);

-- name: hold
-- Take an advisory lock until this connection ends, unless another connection holds it.
SELECT pg_try_advisory_lock(%(number)s) AS held;

-- name: share
-- Take an advisory lock in shared mode until this connection ends, unless another connection holds it in exclusive
-- mode.
SELECT pg_try_advisory_lock_shared(%(number)s) AS held;

-- name: release
-- Release an advisory lock.
SELECT pg_advisory_unlock(%(number)s) AS released;

-- name: holders
-- Return the number of connections to this database that hold the advisory lock (pg_locks).
SELECT count(*) AS connections
FROM pg_locks AS l
INNER JOIN pg_database AS d ON l.database = d.oid
WHERE
    l.locktype = 'advisory'
    AND l.granted
    AND d.datname = current_database()
    AND l.classid::bigint = %(number)s::bigint >> 32
    AND l.objid::bigint = %(number)s::bigint & 4294967295
    AND l.objsubid = 1;

-- name: share_gateway
-- Mark this connection, until it ends, as one that sends requests to a gateway.
SELECT pg_try_advisory_lock_shared(hashtext(%(gateway)s), 0) AS shared;

-- name: leave_gateway
-- Unmark this connection, because it sends no more requests to a gateway.
SELECT pg_advisory_unlock_shared(hashtext(%(gateway)s), 0) AS released;

-- name: sharing_gateway
-- Return the number of connections to this database that send requests to a gateway (pg_locks).
SELECT count(*) AS connections
FROM pg_locks AS l
INNER JOIN pg_database AS d ON l.database = d.oid
WHERE
    l.locktype = 'advisory'
    AND l.granted
    AND d.datname = current_database()
    AND l.classid::bigint = hashtext(%(gateway)s)::bigint & 4294967295
    AND l.objid::bigint = 0
    AND l.objsubid = 2;

-- name: take_slots
-- Take up to a number of the given request slots of a gateway until this connection ends. A slot allows one open
-- request. The connection must hold none of the given slots, because a lock that is taken twice must be released twice.
SELECT s.slot
FROM unnest(%(slots)s::integer[]) AS s (slot)
WHERE pg_try_advisory_lock(hashtext(%(gateway)s), s.slot)
LIMIT %(wanted)s;  -- noqa: AM09

-- name: give_slots_back
-- Release request slots of a gateway.
SELECT pg_advisory_unlock(hashtext(%(gateway)s), s.slot) AS released
FROM unnest(%(slots)s::integer[]) AS s (slot);
