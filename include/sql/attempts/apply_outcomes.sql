-- The gateway's answers to attempts in flight, whose messages this transaction has locked. Of one whose receipt
-- overtook the answer the state stays what the receipt made it, and the answer is written beside it; its message is
-- locked first, as receipts do, so that none waits for the other in a circle: a next receipt may be there already.
-- Called by store/notices/attempts.py.
WITH answers AS MATERIALIZED (
    SELECT
        r.attempt_state,
        r.outcome,
        r.concerns,
        r.http_status,
        r.gateway_code,
        r.gateway_reference,
        r.answered_at,
        r.settle_at,
        a.attempt_id,
        a.message_id,
        a.outcome = 'receipt' AS is_overtaken
    FROM
        jsonb_to_recordset(%(rows)s::jsonb) AS r (
            reference text,
            attempt_state text,
            outcome text,
            concerns text,
            http_status smallint,
            gateway_code text,
            gateway_reference text,
            answered_at timestamptz,
            settle_at timestamptz
        )
    INNER JOIN motcua.attempts AS a ON r.reference = a.reference
),

overtaken AS MATERIALIZED (
    SELECT m.message_id
    FROM motcua.messages AS m
    -- By an array: joined, they are so few and so many that PostgreSQL read all messages in their order.
    WHERE m.message_id = any(array(SELECT o.message_id FROM answers AS o WHERE o.is_overtaken))
    ORDER BY m.message_id
    FOR UPDATE
)

UPDATE motcua.attempts AS a
SET
    state = CASE a.state WHEN 'in_flight' THEN r.attempt_state ELSE a.state END,
    outcome = r.outcome,
    concerns = r.concerns,
    http_status = r.http_status,
    gateway_code = left(r.gateway_code, 200),
    gateway_reference = left(r.gateway_reference, 200),
    answered_at = r.answered_at,
    settle_at = r.settle_at
FROM answers AS r
LEFT JOIN overtaken AS o ON r.message_id = o.message_id
WHERE
    a.attempt_id = r.attempt_id
    AND (a.state = 'in_flight' OR (a.outcome = 'receipt' AND o.message_id IS NOT NULL))
