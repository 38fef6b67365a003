-- Gives an advisory lock back. Called by store/ledger/locks.py.
SELECT pg_advisory_unlock(%(number)s) AS released
