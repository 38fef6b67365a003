-- The procedures met in a batch of dossiers. Called by store/dossiers.py.
INSERT INTO motcua.procedures (procedure_code, name, field_name)
SELECT DISTINCT ON (r.procedure_code) r.procedure_code, r.procedure_name, r.field_name
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (procedure_code text, procedure_name text, field_name text)
WHERE r.procedure_code IS NOT NULL
ORDER BY r.procedure_code
ON CONFLICT (procedure_code) DO UPDATE SET
    name = coalesce(excluded.name, procedures.name),
    field_name = coalesce(excluded.field_name, procedures.field_name)
WHERE
(procedures.name, procedures.field_name)
IS DISTINCT FROM (coalesce(excluded.name, procedures.name), coalesce(excluded.field_name, procedures.field_name))
