-- Waits for an advisory lock and holds it until this transaction ends. Called by store/ledger/locks.py.
SELECT pg_advisory_xact_lock(%(number)s)
