-- The source's clock, and the newest number and times that are not in its future and may be true: a number that no
-- sequence reaches, or a time that Python cannot hold, would have the cursor skip every row that comes after it.
-- Called by sources/contract.py.
SELECT
    now() AS source_now,
    (
        SELECT max(transition_id) FROM source_transitions WHERE transition_id BETWEEN 0 AND 4611686018427387904
    ) AS transition_id,
    (
        SELECT max(recorded_at) FROM source_transitions WHERE recorded_at BETWEEN timestamptz '1900-01-01' AND now()
    ) AS recorded_at,
    (
        SELECT max(updated_at) FROM source_dossiers WHERE updated_at BETWEEN timestamptz '1900-01-01' AND now()
    ) AS updated_at
