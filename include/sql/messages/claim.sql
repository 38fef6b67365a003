-- Due messages that a gateway is the one for, locked for this sender alone, with what their dossiers and agencies look
-- like at this moment: those of its carriers, and those that another gateway refused and this one may take. With an
-- empty gateway: those that no gateway is for. A message with an attempt that is, or may be, on its way is left alone
-- whatever its state says. The caller settles each in the same transaction. Called by store/messages.py.
SELECT
    m.message_id,
    m.kind,
    m.text,
    m.accented,
    m.template_id,
    m.template_version,
    m.parameters,
    m.segments,
    m.attempts_made,
    m.occurred_at,
    m.useful_until,
    m.carrier,
    m.avoid,
    c.msisdn,
    c.phone_refusal,
    c.returned_at,
    c.kind_off,
    c.occasion_holds,
    c.told_at,
    c.unsettled_since
FROM motcua.messages AS m
INNER JOIN motcua.sending_conditions AS c ON m.message_id = c.message_id
WHERE
    m.state = 'queued'
    AND m.next_attempt_at <= %(now)s
    AND (
        (m.avoid = '{}' AND (m.carrier = any(%(carriers)s) OR (m.carrier IS NULL AND %(takes_unsorted)s)))
        OR (m.avoid <> '{}' AND m.carrier = any(%(registered)s) AND NOT %(gateway)s = any(m.avoid))
    )
    AND NOT EXISTS (
        SELECT 1 FROM motcua.attempts AS a
        WHERE
            a.message_id = m.message_id AND a.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
            AND NOT a.released
    )
    AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
ORDER BY m.next_attempt_at, m.message_id
LIMIT %(limit)s
FOR UPDATE OF m SKIP LOCKED
