-- Memory for this transaction's large sorts and joins, no compiling of queries that are run once, and no merge joins:
-- sorting millions of rows for one costs many times what hashing them does. Nested loops are switched off where the
-- planner cannot know how many rows there are, and hours would be lost by its mistake. Called by
-- store/oversight/quality.py.
SELECT
    set_config('work_mem', '96MB', TRUE),
    set_config('jit', 'off', TRUE),
    set_config('enable_mergejoin', 'off', TRUE),
    set_config('enable_nestloop', %(nested_loops)s, TRUE)
