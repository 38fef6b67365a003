-- Steps that were pushed as one source, as the contract's view of transitions gives them. Called by sources/contract.py
-- for sources/national_sync.py.
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
WHERE t.source = current_setting('motcua.source')
