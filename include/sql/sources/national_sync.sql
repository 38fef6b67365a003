-- Read the rows that one-stop software pushed for one source, in the columns of the source contract (the views that
-- every source must offer). Called by sources/national_sync.py and sources/contract.py.

-- name: name_source
-- Set which source this session reads, because several sources share the same tables (setting motcua.source).
SELECT set_config('motcua.source', %(source)s, FALSE);

-- name: dossiers
-- Return dossiers in the columns of the contract's view dossiers (intake.source_dossiers).
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
WHERE d.source = current_setting('motcua.source');

-- name: transitions
-- Return steps in the columns of the contract's view transitions (intake.source_transitions).
SELECT
    t.transition_id,
    t.agency_code,
    t.dossier_code,
    t.from_step,
    t.to_step,
    t.status_code,
    t.at_one_stop_desk,
    t.occurred_at,
    t.recorded_at,
    t.actor,
    t.note
FROM intake.source_transitions AS t
WHERE t.source = current_setting('motcua.source');
