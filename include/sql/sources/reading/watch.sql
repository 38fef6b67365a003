-- Counts and sums of the rows inside the overlap: they differ from those kept at the last pick-up as soon as
-- a row is new or changed, and stay different until it is picked up; so does whether the source's clock is behind what
-- was read. Called by sources/contract.py.
SELECT
    t.transitions,
    t.transition_sum,
    d.dossiers,
    d.dossier_sum,
    (now() < %(updated_since)s)::text AS is_behind
FROM (
    SELECT
        count(*) AS transitions,
        coalesce(sum(transition_id), 0)::text AS transition_sum
    FROM source_transitions
    WHERE
        recorded_at >= %(recorded_since)s OR transition_id > %(after)s::bigint
        OR (
            (recorded_at IS NULL OR recorded_at < '2000-01-01') AND transition_id > %(after)s::bigint - 1000::bigint
        )
) AS t
CROSS JOIN (
    SELECT
        count(*) AS dossiers,
        coalesce(
            sum(hashtextextended(concat_ws('|', agency_code, dossier_code, updated_at::text), 0)::numeric), 0
        )::text
            AS dossier_sum
    FROM source_dossiers
    WHERE updated_at >= %(updated_since)s
) AS d
