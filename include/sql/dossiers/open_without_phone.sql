-- An agency's open dossiers whose phone field names nobody who can be texted, the newest received first; no number and
-- no name. Called by store/notices/dossiers.py.
SELECT
    d.dossier_code,
    d.procedure_code,
    p.name AS procedure_name,
    d.received_at,
    d.phone_refusal
FROM motcua.dossiers AS d
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
WHERE
    d.agency_code = %(agency_code)s AND d.finished_at IS NULL AND d.purged_at IS NULL AND d.phone_refusal IS NOT NULL
ORDER BY d.received_at DESC NULLS LAST, d.dossier_code
LIMIT %(most)s
