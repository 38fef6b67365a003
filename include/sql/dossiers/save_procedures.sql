-- Procedures that are not known under these names; one that is there is locked and written. Called by
-- store/notices/dossiers.py.
INSERT INTO motcua.procedures (procedure_code, name, field_name)
SELECT DISTINCT ON (r.procedure_code) r.procedure_code, r.procedure_name, r.field_name
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (procedure_code text, procedure_name text, field_name text)
ORDER BY r.procedure_code
ON CONFLICT (procedure_code) DO UPDATE SET
    name = coalesce(excluded.name, procedures.name),
    field_name = coalesce(excluded.field_name, procedures.field_name)
