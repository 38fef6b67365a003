-- What the desk's register says of dossiers. Called by store/oversight/quality.py.
INSERT INTO quality.marks (dossier_id, register_ready_at, register_handed_at)
SELECT d.dossier_id, r.result_ready_at, r.handed_over_at
FROM quality.desk_register AS r
INNER JOIN motcua.dossiers AS d ON r.agency_code = d.agency_code AND r.dossier_code = d.dossier_code
WHERE r.source_id = d.source_id
