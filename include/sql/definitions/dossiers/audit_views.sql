-- What auditors may read of dossiers, their rows over time and their steps: nobody's name or phone.
CREATE OR REPLACE VIEW audit.dossiers AS
SELECT
    dossier_id,
    source_id,
    agency_code,
    dossier_code,
    procedure_code,
    phone_refusal,
    phone_notes,
    submitted_via,
    received_at,
    due_at, step_name, status_code, at_one_stop_desk, finished_at, returned_at, updated_at, picked_up_at
FROM motcua.dossiers;
CREATE OR REPLACE VIEW audit.dossier_versions AS
SELECT
    version_id, dossier_id, seen_at, updated_at, procedure_code, received_at, due_at, step_name, status_code,
    at_one_stop_desk, finished_at, returned_at, submitted_via
FROM motcua.dossier_versions;
CREATE OR REPLACE VIEW audit.transitions AS
SELECT
    transition_id, source_id, source_transition_id, dossier_id, sequence, from_row, from_step, to_step, status_code,
    at_one_stop_desk, occurred_at, recorded_at, picked_up_at, planned_at, outcome, message_id
FROM motcua.transitions;
CREATE OR REPLACE VIEW audit.cleaned_fields AS
SELECT cleaned_field_id, code, agency_code, dossier_id, transition_id, detail, found_at, last_seen_at
FROM motcua.cleaned_fields;
