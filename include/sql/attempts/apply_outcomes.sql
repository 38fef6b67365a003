-- The gateway's answers to attempts in flight. Of one whose receipt overtook the answer the state stays what the
-- receipt made it, and the answer is written beside it. Called by store/notices/attempts.py.
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
WHERE a.reference = r.reference AND (a.state = 'in_flight' OR a.outcome = 'receipt')
