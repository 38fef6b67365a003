-- The gateway's answers to attempts in flight. Called by store/attempts.py.
UPDATE motcua.attempts AS a
SET
    state = r.attempt_state,
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
WHERE a.reference = r.reference AND a.state = 'in_flight'
