-- Rows of a source's desk register. Called by store/oversight/quality.py.
INSERT INTO quality.desk_register (source_id, agency_code, dossier_code, result_ready_at, handed_over_at)
SELECT s.source_id, r.agency_code, r.dossier_code, r.result_ready_at, r.handed_over_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text, dossier_code text, result_ready_at timestamptz, handed_over_at timestamptz
    )
INNER JOIN motcua.sources AS s ON s.name = %(source)s
