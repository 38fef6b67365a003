-- Empties what a file is matched in; a second import waits here until the first one's transaction ended. Called by
-- store/oversight/statements.py.
SELECT statements.clear(), set_config('work_mem', '96MB', TRUE), set_config('jit', 'off', TRUE)
