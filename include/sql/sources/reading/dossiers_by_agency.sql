-- Dossiers with one code for each agency, of which the source writes several. Called by sources/contract.py.
SELECT
    d.dossier_code,
    d.procedure_code,
    d.received_at,
    d.due_at,
    d.status_code,
    d.at_one_stop_desk,
    d.returned_at,
    d.updated_at,
    coalesce(c.agency_code, d.agency_code) AS agency_code
FROM written_dossiers AS d
LEFT JOIN unnest(%(written)s::text[], %(agencies)s::text[]) AS c (written, agency_code) ON d.agency_code = c.written
