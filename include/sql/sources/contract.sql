-- Read the views of the source contract. Every source must offer dossiers and transitions, and may offer desk_register.
-- Called by sources/contract.py and sources/desk_register.py.

-- name: dossiers
-- Return the rows of the contract's view onestop.dossiers.
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
FROM onestop.dossiers;

-- name: transitions
-- Return the rows of the contract's view onestop.transitions.
SELECT
    transition_id,
    agency_code,
    dossier_code,
    from_step,
    to_step,
    status_code,
    at_one_stop_desk,
    occurred_at,
    recorded_at,
    actor,
    note
FROM onestop.transitions;

-- name: desk_register_offered
-- Return whether the source has the view onestop.desk_register, the register of its one-stop desk.
SELECT to_regclass('onestop.desk_register') IS NOT NULL AS offered;

-- name: desk_register
-- Return the rows of the contract's view onestop.desk_register with a time at or after a given time, or without a time.
-- Times outside the years 1900 to 9000 become NULL, because Python cannot hold all of them.
SELECT
    agency_code,
    dossier_code,
    CASE WHEN result_ready_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN result_ready_at END
        AS result_ready_at,
    CASE WHEN handed_over_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN handed_over_at END
        AS handed_over_at
FROM onestop.desk_register
WHERE coalesce(greatest(result_ready_at, handed_over_at) >= %(since)s, TRUE);
