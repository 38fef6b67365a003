-- Messages that failed for their phone, of dossiers whose phone the desk has mended since, while they are still useful
-- and their occasion still holds. The old reason stays in message_history. Called by store/messages.py.
UPDATE motcua.messages AS m
SET
    state = 'queued',
    reason = 'phone_mended',
    msisdn = d.msisdn,
    carrier = NULL,
    avoid = '{}',
    next_attempt_at = %(now)s
FROM motcua.dossiers AS d
WHERE
    d.dossier_id = m.dossier_id
    AND d.msisdn IS NOT NULL
    AND m.useful_until > %(now)s
    AND m.kind IN ('result', 'supplement', 'apology')
    AND (
        (m.state = 'suppressed' AND m.reason NOT IN ('same_day', 'kind_off', 'already_told'))
        OR (
            (m.state = 'undelivered' OR (m.state = 'rejected' AND m.reason = 'phone'))
            AND d.msisdn IS DISTINCT FROM m.msisdn
        )
    )
    AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
    AND CASE m.kind
        WHEN 'apology' THEN motcua.apology_holds(m.dossier_id, m.occasion)
        ELSE motcua.occasion_holds(m.dossier_id, m.transition_id, m.kind)
    END
RETURNING m.message_id
