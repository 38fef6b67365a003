-- Transitions with one code for each agency, of which the source writes several. Called by sources/contract.py.
SELECT
    t.transition_id,
    t.dossier_code,
    t.status_code,
    t.at_one_stop_desk,
    t.occurred_at,
    t.recorded_at,
    coalesce(c.agency_code, t.agency_code) AS agency_code
FROM written_transitions AS t
LEFT JOIN unnest(%(written)s::text[], %(agencies)s::text[]) AS c (written, agency_code) ON t.agency_code = c.written
