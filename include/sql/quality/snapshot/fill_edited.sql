-- Dossiers whose versions differ in due date or procedure; of procedures only hashes are compared, which costs a third.
-- Called by store/oversight/quality.py.
INSERT INTO quality.edited (dossier_id)
SELECT v.dossier_id
FROM motcua.dossier_versions AS v
GROUP BY v.dossier_id
HAVING
    min(v.due_at) <> max(v.due_at)
    OR min(hashtextextended(v.procedure_code, 0)) <> max(hashtextextended(v.procedure_code, 0))
