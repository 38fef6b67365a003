-- This connection has no requests for a gateway any more. Called by store/ledger/locks.py.
SELECT pg_advisory_unlock_shared(hashtext(%(gateway)s), 0) AS released
