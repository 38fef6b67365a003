-- Dossier rows with these (agency_code, dossier_code). Times that Python cannot hold come as the nearest ones that no
-- rule takes for true. Called by sources/contract.py.
SELECT
    dossier_code,
    agency_code,
    left(procedure_code, 2000) AS procedure_code,
    left(procedure_name, 2000) AS procedure_name,
    left(field_name, 2000) AS field_name,
    left(applicant_name, 2000) AS applicant_name,
    left(applicant_phone, 2000) AS applicant_phone,
    CASE
        WHEN phone_entered_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN phone_entered_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE phone_entered_at
    END AS phone_entered_at,
    left(submitted_via, 2000) AS submitted_via,
    CASE
        WHEN received_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN received_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE received_at
    END AS received_at,
    CASE
        WHEN due_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN due_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE due_at
    END AS due_at,
    left(step_name, 2000) AS step_name,
    status_code,
    at_one_stop_desk,
    CASE
        WHEN finished_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN finished_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE finished_at
    END AS finished_at,
    CASE
        WHEN returned_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN returned_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE returned_at
    END AS returned_at,
    CASE
        WHEN updated_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN updated_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE updated_at
    END AS updated_at
FROM source_dossiers
WHERE
    (agency_code, dossier_code) IN (
        SELECT k.agency_code, k.dossier_code
        FROM unnest(%(agency_codes)s::text[], %(dossier_codes)s::text[]) AS k (agency_code, dossier_code)
    )
    -- Nothing more, but a database behind foreign tables can be asked for it.
    AND agency_code = any(%(agency_codes)s::text[]) AND dossier_code = any(%(dossier_codes)s::text[])
