-- As transitions_by_agency.sql, of a source that began to number its steps anew: under the numbers that are ours.
-- Called by sources/contract.py.
SELECT
    t.transition_id + coalesce(
        (
            SELECT max(n.added)
            FROM unnest(%(renumbered_from)s::timestamptz[], %(renumbered_by)s::bigint[]) AS n (recorded_from, added)
            WHERE t.recorded_at >= n.recorded_from AND t.transition_id BETWEEN 0 AND n.added
        ), 0
    ) AS transition_id,
    t.dossier_code,
    t.status_code,
    t.at_one_stop_desk,
    t.occurred_at,
    t.recorded_at,
    coalesce(c.agency_code, t.agency_code) AS agency_code
FROM written_transitions AS t
LEFT JOIN unnest(%(written)s::text[], %(agencies)s::text[]) AS c (written, agency_code) ON t.agency_code = c.written
