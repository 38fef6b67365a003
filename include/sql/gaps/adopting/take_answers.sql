-- What gateways answered to attempts that the ledger has without an answer, as the journal knows it: taken, refused for
-- good, or refused in passing, so that the message may go again. Messages are locked first, as receipts and answers do.
-- Called by store/notices/gaps.py.
WITH theirs AS MATERIALIZED (
    SELECT a.attempt_id, m.message_id, r.outcome, r.answered_at, r.gateway_reference
    FROM
        jsonb_to_recordset(%(rows)s::jsonb) AS r (
            reference text, outcome text, answered_at timestamptz, gateway_reference text
        )
    INNER JOIN motcua.attempts AS a ON r.reference = a.reference
    INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
    WHERE a.state IN ('in_flight', 'unknown') AND NOT a.released AND m.state IN ('sending', 'unknown')
    ORDER BY m.message_id
    FOR UPDATE OF m
),

answered AS (
    UPDATE motcua.attempts AS a
    SET
        state = CASE
            WHEN t.outcome IN ('accepted', 'duplicate') THEN 'accepted'
            WHEN t.outcome = 'phone' THEN 'rejected'
            ELSE 'failed'
        END,
        outcome = t.outcome,
        answered_at = t.answered_at,
        gateway_code = 'known from the journal',
        gateway_reference = coalesce(t.gateway_reference, a.gateway_reference),
        settle_at = CASE WHEN t.outcome IN ('accepted', 'duplicate') THEN %(now)s::timestamptz END
    FROM theirs AS t
    WHERE a.attempt_id = t.attempt_id AND a.state IN ('in_flight', 'unknown')
    RETURNING a.message_id, a.outcome, a.answered_at
)

UPDATE motcua.messages AS m
SET
    state = CASE
        WHEN a.outcome IN ('accepted', 'duplicate') THEN 'accepted'
        WHEN a.outcome = 'phone' THEN 'rejected'
        ELSE 'queued'
    END,
    reason = CASE
        WHEN a.outcome = 'phone' THEN 'phone'
        WHEN a.outcome NOT IN ('accepted', 'duplicate') THEN 'gateway_busy'
    END,
    accepted_at = CASE WHEN a.outcome IN ('accepted', 'duplicate') THEN a.answered_at ELSE m.accepted_at END,
    next_attempt_at = CASE
        WHEN a.outcome IN ('transient', 'configuration') THEN %(now)s::timestamptz
        ELSE m.next_attempt_at
    END
FROM answered AS a
WHERE m.message_id = a.message_id
