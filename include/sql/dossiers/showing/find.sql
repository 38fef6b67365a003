-- Dossiers whose code is spelled like one of these, of one agency or of all, as far as the visitor may see them.
-- Called by store/dossiers.py.
SELECT
    d.dossier_id, d.agency_code, d.dossier_code, d.procedure_code, p.name AS procedure_name, d.step_name,
    d.status_code, d.received_at, d.due_at, d.picked_up_at
FROM motcua.dossiers AS d
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
WHERE
    motcua.code_key(d.dossier_code)
    = any(array(SELECT motcua.code_key(k.code) FROM unnest(%(keys)s::text[]) AS k (code)))
    AND (%(agency_code)s::text IS NULL OR d.agency_code = %(agency_code)s)
    AND (%(agencies)s::text[] IS NULL OR d.agency_code = any(%(agencies)s))
ORDER BY d.picked_up_at DESC, d.dossier_id
LIMIT %(limit)s
