-- Counts this connection, for as long as it lives, among those that have requests for a gateway.
-- Called by store/ledger/locks.py.
SELECT pg_try_advisory_lock_shared(hashtext(%(gateway)s), 0) AS shared
