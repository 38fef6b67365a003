-- The source's clock, and the newest number and times that are not in its future. Called by sources/contract.py.
SELECT
    now() AS source_now,
    (SELECT max(transition_id) FROM source_transitions) AS transition_id,
    (SELECT max(recorded_at) FROM source_transitions WHERE recorded_at <= now()) AS recorded_at,
    (SELECT max(updated_at) FROM source_dossiers WHERE updated_at <= now()) AS updated_at
