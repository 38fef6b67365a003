-- Takes an advisory lock for as long as the connection lives, unless another one has it. Called by
-- store/ledger/locks.py.
SELECT pg_try_advisory_lock(%(number)s) AS held
