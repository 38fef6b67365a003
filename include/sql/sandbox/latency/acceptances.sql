-- When the gateway took each of these transitions' messages, where that was the first attempt of a message that never
-- waited for a mended phone. Called by sandbox/latency.py on the ledger.
SELECT
    s.name AS source,
    t.source_transition_id AS transition_id,
    m.accepted_at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (source text, transition_id bigint)
INNER JOIN motcua.sources AS s ON r.source = s.name
INNER JOIN motcua.transitions AS t ON s.source_id = t.source_id AND r.transition_id = t.source_transition_id
INNER JOIN motcua.messages AS m ON t.transition_id = m.transition_id
WHERE
    m.accepted_at IS NOT NULL
    AND m.attempts_made = 1
    AND NOT EXISTS (
        SELECT 1 FROM motcua.message_history AS h
        WHERE h.message_id = m.message_id AND h.to_state = 'suppressed'
    )
