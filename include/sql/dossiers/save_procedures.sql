-- The procedures met in a batch of dossiers; those that are known under these names are not written, nor locked, which
-- would write them too. Called by store/notices/dossiers.py.
INSERT INTO motcua.procedures (procedure_code, name, field_name)
SELECT DISTINCT ON (r.procedure_code) r.procedure_code, r.procedure_name, r.field_name
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (procedure_code text, procedure_name text, field_name text)
WHERE
    r.procedure_code IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM motcua.procedures AS k
        WHERE
            k.procedure_code = r.procedure_code
            AND (k.name, k.field_name)
            IS NOT DISTINCT FROM (coalesce(r.procedure_name, k.name), coalesce(r.field_name, k.field_name))
    )
ORDER BY r.procedure_code
ON CONFLICT (procedure_code) DO UPDATE SET
    name = coalesce(excluded.name, procedures.name),
    field_name = coalesce(excluded.field_name, procedures.field_name)
