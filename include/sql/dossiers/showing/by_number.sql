-- Dossiers by their numbers, the newest first, as far as the visitor may see them. Called by store/dossiers.py.
SELECT
    d.dossier_id, d.agency_code, d.dossier_code, d.procedure_code, p.name AS procedure_name, d.step_name,
    d.status_code, d.received_at, d.due_at, d.picked_up_at
FROM motcua.dossiers AS d
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
WHERE
    d.dossier_id = any(%(dossier_ids)s::bigint[])
    AND (%(agencies)s::text[] IS NULL OR d.agency_code = any(%(agencies)s))
ORDER BY d.picked_up_at DESC, d.dossier_id
LIMIT %(limit)s
