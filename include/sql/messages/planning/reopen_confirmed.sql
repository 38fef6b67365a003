-- Messages whose occasion an old step had begun, and that were not sent, wait to be sent again: a step of the same
-- occasion that is not old confirms it. What is told happened then; one whose phone cannot be texted waits for that.
-- Called by store/notices/messages.py.
UPDATE motcua.messages AS m
SET
    state = CASE WHEN d.msisdn IS NULL AND m.state = 'suppressed' THEN m.state ELSE 'queued' END,
    reason = CASE WHEN d.msisdn IS NULL AND m.state = 'suppressed' THEN m.reason ELSE 'confirmed' END,
    msisdn = coalesce(d.msisdn, m.msisdn),
    carrier = NULL,
    avoid = '{}',
    occurred_at = r.occurred_at,
    useful_until = r.useful_until,
    next_attempt_at = r.next_attempt_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        message_id bigint, occurred_at timestamptz, useful_until timestamptz, next_attempt_at timestamptz
    )
CROSS JOIN motcua.dossiers AS d
WHERE
    m.message_id = r.message_id
    AND m.dossier_id = d.dossier_id
    AND (
        m.state = 'queued'
        OR (m.state = 'suppressed' AND m.reason NOT IN ('same_day', 'kind_off'))
        OR (m.state, m.reason) IN (('cancelled', 'outdated'), ('expired', 'too_late'))
    )
    AND r.useful_until > %(now)s
RETURNING m.message_id
