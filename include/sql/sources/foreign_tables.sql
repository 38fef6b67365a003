-- What is otherwise where the contract's views show tables of another make of database. Called by
-- sources/foreign_tables.py.

-- name: join_by_hash
-- The session joins by hashing alone. What the far side gives in order is so by its own collation, and merged with what
-- PostgreSQL ordered, rows would miss their partners; of how many rows there are PostgreSQL knows nothing, and would
-- read a table again for each row of another. Where no other join is to be had, its cost looks like one that would be
-- worth compiling (jit).
SELECT
    set_config('enable_mergejoin', 'off', FALSE) AS merging,
    set_config('enable_nestloop', 'off', FALSE) AS nesting,
    set_config('jit', 'off', FALSE) AS compiling;

-- name: latest
-- As sources/reading/latest, for tables that lie in a database of another make. A query with a WITH is one that
-- PostgreSQL does not turn into "the first one in order", for which the far side would sort its whole table: max() goes
-- there as it is.
SELECT
    now() AS source_now,
    (
        WITH true_ones AS (SELECT 0::bigint AS least, 4611686018427387904::bigint AS most)

        SELECT max(t.transition_id) FROM source_transitions AS t
        WHERE t.transition_id BETWEEN (SELECT o.least FROM true_ones AS o) AND (SELECT o.most FROM true_ones AS o)
    ) AS transition_id,
    (
        WITH true_ones AS (SELECT timestamptz '1900-01-01' AS least, now() AS most)

        SELECT max(t.recorded_at) FROM source_transitions AS t
        WHERE t.recorded_at BETWEEN (SELECT o.least FROM true_ones AS o) AND (SELECT o.most FROM true_ones AS o)
    ) AS recorded_at,
    (
        WITH true_ones AS (SELECT timestamptz '1900-01-01' AS least, now() AS most)

        SELECT max(d.updated_at) FROM source_dossiers AS d
        WHERE d.updated_at BETWEEN (SELECT o.least FROM true_ones AS o) AND (SELECT o.most FROM true_ones AS o)
    ) AS updated_at;
