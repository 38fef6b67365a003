-- As sources/reading/latest.sql, for tables that lie in a database of another make. A query with a WITH is one that
-- PostgreSQL does not turn into "the first one in order", for which the far side would sort its whole table: max() goes
-- there as it is. Called by sources/foreign_tables.py.
SELECT
    now() AS source_now,
    (
        WITH as_it_is AS (SELECT 1)

        SELECT max(transition_id) FROM source_transitions
        WHERE transition_id BETWEEN (SELECT 0::bigint) AND (SELECT 4611686018427387904)
    ) AS transition_id,
    (
        WITH as_it_is AS (SELECT 1)

        SELECT max(recorded_at) FROM source_transitions
        WHERE recorded_at BETWEEN timestamptz '1900-01-01' AND (SELECT now())
    ) AS recorded_at,
    (
        WITH as_it_is AS (SELECT 1)

        SELECT max(updated_at) FROM source_dossiers
        WHERE updated_at BETWEEN timestamptz '1900-01-01' AND (SELECT now())
    ) AS updated_at
