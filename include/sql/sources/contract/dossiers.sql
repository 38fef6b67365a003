-- The contract view onestop.dossiers. Called by sources/contract.py.
SELECT
    dossier_code,
    agency_code,
    procedure_code,
    procedure_name,
    field_name,
    applicant_name,
    applicant_phone,
    phone_entered_at,
    submitted_via,
    received_at,
    due_at,
    step_name,
    status_code,
    at_one_stop_desk,
    finished_at,
    returned_at,
    updated_at
FROM onestop.dossiers
