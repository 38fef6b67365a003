-- Transitions recorded since a moment, or numbered above a number (a row may carry a wrong time), each once.
-- Times that Python cannot hold come as NULL. Called by sources/contract.py.
SELECT
    transition_id,
    agency_code,
    dossier_code,
    left(from_step, 2000) AS from_step,
    left(to_step, 2000) AS to_step,
    status_code,
    at_one_stop_desk,
    CASE WHEN occurred_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN occurred_at END
        AS occurred_at,
    CASE WHEN recorded_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN recorded_at END
        AS recorded_at,
    left(actor, 2000) AS actor,
    left(note, 20000) AS note
FROM source_transitions
WHERE
    recorded_at >= %(since)s OR transition_id > %(after)s::bigint
    OR (
        (recorded_at IS NULL OR recorded_at < '2000-01-01') AND transition_id > %(after)s::bigint - 1000::bigint
    )
