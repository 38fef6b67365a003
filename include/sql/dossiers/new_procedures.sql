-- Of the procedures met in a batch of dossiers those that are not known under these names. Called by
-- store/notices/dossiers.py.
SELECT r.procedure_code, r.procedure_name, r.field_name
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
