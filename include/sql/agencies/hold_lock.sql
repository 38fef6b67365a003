-- Waits until no other import is at work, for the rest of this transaction. Called by store/agencies.py.
SELECT pg_advisory_xact_lock(%(number)s)
