-- Advisory locks, held by a connection for as long as it lives or by a transaction, and slots of gateways made of them.
-- Called by store/ledger/locks.py.

-- name: wait
-- Waits for an advisory lock and holds it until this transaction ends.
SELECT pg_advisory_xact_lock(%(number)s);

-- name: hold
-- Takes an advisory lock for as long as the connection lives, unless another one has it.
SELECT pg_try_advisory_lock(%(number)s) AS held;

-- name: share
-- Takes an advisory lock together with others for as long as the connection lives.
SELECT pg_try_advisory_lock_shared(%(number)s) AS held;

-- name: release
-- Gives an advisory lock back.
SELECT pg_advisory_unlock(%(number)s) AS released;

-- name: holders
-- How many connections to this database have the advisory lock.
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
-- Counts this connection, for as long as it lives, among those that have requests for a gateway.
SELECT pg_try_advisory_lock_shared(hashtext(%(gateway)s), 0) AS shared;

-- name: leave_gateway
-- This connection has no requests for a gateway any more.
SELECT pg_advisory_unlock_shared(hashtext(%(gateway)s), 0) AS released;

-- name: sharing_gateway
-- How many connections to this database have requests for a gateway.
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
-- Takes up to so many of a gateway's slots, of those given, for as long as the connection lives; a slot is one request
-- that may be out. The connection must have none of those given: a lock that is taken twice must be given back twice.
SELECT s.slot
FROM unnest(%(slots)s::integer[]) AS s (slot)
WHERE pg_try_advisory_lock(hashtext(%(gateway)s), s.slot)
LIMIT %(wanted)s;  -- noqa: AM09

-- name: give_slots_back
-- Gives slots of a gateway back.
SELECT pg_advisory_unlock(hashtext(%(gateway)s), s.slot) AS released
FROM unnest(%(slots)s::integer[]) AS s (slot);
