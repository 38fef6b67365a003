-- As sources/reading/latest.sql, for tables that lie in a database of another make. A query with a WITH is one that
-- PostgreSQL does not turn into "the first one in order", for which the far side would sort its whole table: max() goes
-- there as it is. Called by sources/foreign_tables.py.
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
    ) AS updated_at
