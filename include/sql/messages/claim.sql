-- Due messages, locked for this sender alone, with what their dossiers and agencies look like at this moment.
-- A message with an attempt that is, or may be, on its way is left alone whatever its state says.
-- The caller settles each in the same transaction. Called by store/messages.py.
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
    d.msisdn,
    d.phone_refusal,
    d.returned_at,
    m.kind = any(g.kinds_off) AS kind_off,
    motcua.occasion_holds(m.dossier_id, m.transition_id, m.kind) AS occasion_holds,
    (
        SELECT max(o.accepted_at) FROM motcua.messages AS o
        WHERE
            o.dossier_id = m.dossier_id AND o.kind = m.kind AND o.message_id <> m.message_id
            AND o.state IN ('accepted', 'delivered', 'unconfirmed')
    ) AS told_at,
    (
        SELECT max(a.started_at) FROM motcua.messages AS o
        INNER JOIN motcua.attempts AS a ON o.message_id = a.message_id
        WHERE
            o.dossier_id = m.dossier_id AND o.kind = m.kind AND o.message_id <> m.message_id
            AND o.state IN ('sending', 'unknown')
    ) AS unsettled_since
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
WHERE
    m.state = 'queued'
    AND m.next_attempt_at <= %(now)s
    AND NOT EXISTS (
        SELECT 1 FROM motcua.attempts AS a
        WHERE a.message_id = m.message_id AND a.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
    )
    AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
ORDER BY m.next_attempt_at, m.message_id
LIMIT %(limit)s
FOR UPDATE OF m SKIP LOCKED
