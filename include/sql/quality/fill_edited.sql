-- Dossiers one of whose versions has another due date or procedure than their row has now. Called by store/quality.py.
INSERT INTO quality.edited (dossier_id)
SELECT DISTINCT v.dossier_id
FROM motcua.dossier_versions AS v
INNER JOIN motcua.dossiers AS d ON v.dossier_id = d.dossier_id
WHERE v.due_at <> d.due_at OR v.procedure_code <> d.procedure_code
