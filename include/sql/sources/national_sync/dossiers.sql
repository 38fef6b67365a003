-- Dossiers that were pushed as one source, as the contract's view gives them. Called by sources/contract.py for
-- sources/national_sync.py.
SELECT
    d.dossier_code,
    d.agency_code,
    d.procedure_code,
    d.procedure_name,
    d.field_name,
    d.applicant_name,
    d.applicant_phone,
    d.phone_entered_at,
    d.submitted_via,
    d.received_at,
    d.due_at,
    d.step_name,
    d.status_code,
    d.at_one_stop_desk,
    d.finished_at,
    d.returned_at,
    d.updated_at
FROM intake.source_dossiers AS d
WHERE d.source = current_setting('motcua.source')
