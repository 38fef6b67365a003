-- Lets the statements of this transaction hold their groups in memory. Called by store/oversight/closings.py.
SELECT set_config('work_mem', '256MB', TRUE), set_config('hash_mem_multiplier', '2', TRUE)
