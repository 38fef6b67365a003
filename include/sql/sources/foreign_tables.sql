-- Prepare a session for sources whose views (schema onestop) show foreign tables of another database system, and read
-- their newest number and times. Called by sources/foreign_tables.py.

-- name: join_by_hash
-- Make the session join by hash only. The remote server sorts by its own collation, so a merge join with rows that
-- PostgreSQL sorted would miss matches. PostgreSQL does not know the number of remote rows, so a nested loop could read
-- a table again for each row of another table. Where only another kind of join is possible, PostgreSQL uses it but
-- gives it a huge cost, which would start the compilation of the query (jit). Therefore jit is off.
SELECT
    set_config('enable_mergejoin', 'off', FALSE) AS merging,
    set_config('enable_nestloop', 'off', FALSE) AS nesting,
    set_config('jit', 'off', FALSE) AS compiling;

-- name: latest
-- Return the same times and number as sources/reading/latest, instead of which this query is used (source_transitions,
-- source_dossiers). The WITH keeps PostgreSQL from turning max() into "the first row in order", for which the remote
-- server would sort its whole table. The remote server evaluates max() itself.
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
