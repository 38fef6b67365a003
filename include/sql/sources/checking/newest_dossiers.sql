-- The dossier rows changed last, and those without a time. Times that Python cannot hold come as the nearest ones that
-- no rule takes for true. Called by sources/checking.py.
SELECT
    d.dossier_code,
    d.agency_code,
    left(d.procedure_code, 2000) AS procedure_code,
    left(d.procedure_name, 2000) AS procedure_name,
    left(d.field_name, 2000) AS field_name,
    left(d.applicant_name, 2000) AS applicant_name,
    left(d.applicant_phone, 2000) AS applicant_phone,
    CASE
        WHEN d.phone_entered_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.phone_entered_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.phone_entered_at
    END AS phone_entered_at,
    left(d.submitted_via, 2000) AS submitted_via,
    CASE
        WHEN d.received_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.received_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.received_at
    END AS received_at,
    CASE
        WHEN d.due_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.due_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.due_at
    END AS due_at,
    left(d.step_name, 2000) AS step_name,
    d.status_code,
    d.at_one_stop_desk,
    CASE
        WHEN d.finished_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.finished_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.finished_at
    END AS finished_at,
    CASE
        WHEN d.returned_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.returned_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.returned_at
    END AS returned_at,
    CASE
        WHEN d.updated_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN d.updated_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE d.updated_at
    END AS updated_at
FROM source_dossiers AS d
ORDER BY d.updated_at DESC
LIMIT %(most)s
