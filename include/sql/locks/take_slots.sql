-- Takes up to so many of a gateway's slots, of those given, for as long as the connection lives; a slot is one request
-- that may be out. The connection must have none of those given: a lock that is taken twice must be given back twice.
-- Called by store/ledger/locks.py.
SELECT s.slot
FROM unnest(%(slots)s::integer[]) AS s (slot)
WHERE pg_try_advisory_lock(hashtext(%(gateway)s), s.slot)
LIMIT %(wanted)s  -- noqa: AM09
