-- The contract view onestop.transitions. Called by sources/contract.py.
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
FROM onestop.transitions
