-- Gives slots of a gateway back. Called by store/ledger/locks.py.
SELECT pg_advisory_unlock(hashtext(%(gateway)s), s.slot) AS released
FROM unnest(%(slots)s::integer[]) AS s (slot)
