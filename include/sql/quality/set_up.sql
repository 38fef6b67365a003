-- Memory for this transaction's large sorts and joins, and no compiling of queries that are run once. Called by
-- store/quality.py.
SELECT set_config('work_mem', '96MB', TRUE), set_config('jit', 'off', TRUE)
