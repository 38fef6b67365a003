-- Dossier rows changed since a moment, and at the first reading (open_too) every open one as well.
-- Times that Python cannot hold come as NULL. Called by sources/contract.py.
SELECT
    dossier_code,
    agency_code,
    procedure_code,
    left(procedure_name, 2000) AS procedure_name,
    left(field_name, 2000) AS field_name,
    left(applicant_name, 2000) AS applicant_name,
    left(applicant_phone, 2000) AS applicant_phone,
    CASE WHEN phone_entered_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN phone_entered_at END
        AS phone_entered_at,
    submitted_via,
    CASE WHEN received_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN received_at END
        AS received_at,
    CASE WHEN due_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN due_at END AS due_at,
    left(step_name, 2000) AS step_name,
    status_code,
    at_one_stop_desk,
    CASE WHEN finished_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN finished_at END
        AS finished_at,
    CASE WHEN returned_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN returned_at END
        AS returned_at,
    CASE WHEN updated_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN updated_at END AS updated_at
FROM source_dossiers
WHERE
    updated_at >= %(since)s
    OR (%(open_too)s AND coalesce(status_code, 0) NOT IN (3, 7, 10))
