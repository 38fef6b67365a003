-- Memory for this transaction's large sorts and joins, no compiling of queries that are run once, and no merge joins:
-- sorting millions of rows for one costs many times what hashing them does. Nested loops are switched off where the
-- planner cannot know how many rows there are, and hours would be lost by its mistake. A few thousand rows out of
-- millions are looked up by their index: a page out of order costs a disk of today, or the server's memory, hardly more
-- than the next one. Called by store/oversight/quality.py.
SELECT
    set_config('work_mem', '96MB', TRUE),
    set_config('jit', 'off', TRUE),
    set_config('random_page_cost', '1.1', TRUE),
    set_config('enable_mergejoin', 'off', TRUE),
    set_config('enable_nestloop', %(nested_loops)s, TRUE)
