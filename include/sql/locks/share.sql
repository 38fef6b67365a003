-- Takes an advisory lock together with others for as long as the connection lives. Called by store/ledger/locks.py.
SELECT pg_try_advisory_lock_shared(%(number)s) AS held
