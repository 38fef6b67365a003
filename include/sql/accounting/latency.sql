-- Seconds from the recording of a transition to the gateway's acceptance, of the latest messages that went straight
-- through: not of those that waited for a mended phone, a dossier's row, an agency, a hold or a second attempt.
-- Called by store/oversight/accounting.py.
WITH latest AS (
    SELECT extract(EPOCH FROM m.accepted_at - m.recorded_at) AS seconds
    FROM motcua.messages AS m
    INNER JOIN motcua.transitions AS t ON m.transition_id = t.transition_id
    WHERE
        m.accepted_at IS NOT NULL
        AND m.attempts_made = 1
        AND m.recorded_at >= %(since)s
        AND m.next_attempt_at <= m.planned_at
        AND NOT EXISTS (
            SELECT 1 FROM motcua.message_history AS h
            WHERE h.message_id = m.message_id AND h.to_state = 'suppressed'
        )
        AND NOT EXISTS (
            SELECT 1 FROM motcua.quarantine AS q
            WHERE
                q.source_id = t.source_id
                AND q.row_kind = 'transition'
                AND q.row_key = t.source_transition_id::text
        )
    ORDER BY m.accepted_at DESC
    LIMIT %(limit)s
)

SELECT
    count(*) AS messages,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99,
    max(seconds) AS longest
FROM latest
