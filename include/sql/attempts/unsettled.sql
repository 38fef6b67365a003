-- Attempts at a gateway whose end is not known and that may be asked about or repeated now, locked, with what their
-- messages look like at this moment. Called by store/notices/attempts.py.
SELECT
    a.attempt_id,
    a.message_id,
    a.reference,
    a.gateway_reference,
    a.started_at,
    a.settlings,
    a.msisdn AS sent_to,
    m.kind,
    m.text,
    m.accented,
    m.template_id,
    m.template_version,
    m.parameters,
    m.segments,
    m.occurred_at,
    m.useful_until,
    c.msisdn,
    c.phone_refusal,
    c.returned_at,
    c.kind_off,
    c.occasion_holds,
    c.told_at,
    c.unsettled_since,
    c.source_read_at,
    c.gone,
    c.waits_until,
    c.waits_for_row,
    c.told_of_this,
    c.unsettled_of_this,
    motcua.stopped_until(m.kind, m.agency_code, %(now)s) IS NOT NULL AS is_stopped
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
INNER JOIN motcua.sending_conditions AS c ON m.message_id = c.message_id
WHERE
    a.gateway = %(gateway)s
    AND a.state = 'unknown'
    AND NOT a.released
    AND m.state = 'unknown'
    AND a.settle_at <= %(now)s
    AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
ORDER BY a.attempt_id
LIMIT %(limit)s
FOR UPDATE OF m SKIP LOCKED
