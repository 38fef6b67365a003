-- The row of a dossier as it is now; safe to repeat. Called by sandbox/world/writers.py.
INSERT INTO mot_cua.dossiers (
    agency_code, dossier_code, procedure_code, procedure_name, field_name, applicant_name, applicant_phone,
    phone_entered_at, submitted_via, received_at, due_at, step_name, status_code, at_one_stop_desk,
    finished_at, returned_at, updated_at
)
VALUES (
    %(agency_code)s, %(dossier_code)s, %(procedure_code)s, %(procedure_name)s, %(field_name)s,
    %(applicant_name)s, %(applicant_phone)s, %(phone_entered_at)s, %(submitted_via)s, %(received_at)s,
    %(due_at)s, %(step_name)s, %(status_code)s, %(at_one_stop_desk)s, %(finished_at)s, %(returned_at)s,
    %(updated_at)s
)
ON CONFLICT (agency_code, dossier_code) DO UPDATE SET
    procedure_code = excluded.procedure_code,
    procedure_name = excluded.procedure_name,
    field_name = excluded.field_name,
    applicant_name = excluded.applicant_name,
    applicant_phone = excluded.applicant_phone,
    phone_entered_at = excluded.phone_entered_at,
    due_at = excluded.due_at,
    step_name = excluded.step_name,
    status_code = excluded.status_code,
    at_one_stop_desk = excluded.at_one_stop_desk,
    finished_at = excluded.finished_at,
    returned_at = excluded.returned_at,
    updated_at = excluded.updated_at
