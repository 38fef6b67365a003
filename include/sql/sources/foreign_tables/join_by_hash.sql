-- The session joins by hashing alone. What the far side gives in order is so by its own collation, and merged with what
-- PostgreSQL ordered, rows would miss their partners; of how many rows there are PostgreSQL knows nothing, and would
-- read a table again for each row of another. Where no other join is to be had, its cost looks like one that would be
-- worth compiling (jit). Called by sources/foreign_tables.py.
SELECT
    set_config('enable_mergejoin', 'off', FALSE) AS merging,
    set_config('enable_nestloop', 'off', FALSE) AS nesting,
    set_config('jit', 'off', FALSE) AS compiling
