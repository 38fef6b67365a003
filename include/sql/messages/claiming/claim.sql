-- Due messages that a gateway is the one for, locked for this sender alone, with what their dossiers and agencies look
-- like at this moment: those of its carriers, and those that another gateway refused and this one may take. With an
-- empty gateway: those that no gateway is for. A message with an attempt that is, or may be, on its way is left alone
-- whatever its state says. From a place in the queue on, or from its beginning. The caller settles each in the same
-- transaction. No more than the inner limit at once: it lets PostgreSQL see that few rows are wanted, however long the
-- queue. Called by store/notices/messages.py.
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
    c.unsettled_since,
    c.source_read_at,
    c.gone,
    c.waits_until,
    c.waits_for_row,
    c.told_of_this,
    c.unsettled_of_this,
    c.source,
    c.agency_code,
    c.dossier_code,
    c.known_elsewhere_as,
    -- Asked once, as long as nothing is stopped.
    CASE
        WHEN EXISTS (SELECT 1 FROM motcua.stops AS p WHERE p.until > %(now)s AND p.ended_at IS NULL)
            THEN motcua.stopped_until(m.kind, m.agency_code, %(now)s) IS NOT NULL
        ELSE FALSE
    END AS is_stopped
FROM (
    SELECT
        q.message_id,
        q.kind,
        q.agency_code,
        q.text,
        q.accented,
        q.template_id,
        q.template_version,
        q.parameters,
        q.segments,
        q.attempts_made,
        q.occurred_at,
        q.useful_until,
        q.carrier,
        q.avoid
    FROM motcua.messages AS q
    WHERE
        q.state = 'queued'
        AND q.next_attempt_at <= %(now)s
        AND (q.next_attempt_at, q.message_id)
        >= (coalesce(%(from_due)s::timestamptz, '-infinity'), coalesce(%(from_id)s::bigint, 0))
        AND (
            (q.avoid = '{}' AND (q.carrier = any(%(carriers)s) OR (q.carrier IS NULL AND %(takes_unsorted)s)))
            OR (q.avoid <> '{}' AND q.carrier = any(%(registered)s) AND NOT %(gateway)s = any(q.avoid))
        )
        -- Counted for each row: NOT EXISTS would be planned as a join, by what is believed of all attempts.
        AND 0 = (
            SELECT count(*) FROM motcua.attempts AS a
            WHERE
                a.message_id = q.message_id AND a.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
                AND NOT a.released
        )
        AND (%(start)s::timestamptz IS NULL OR (q.recorded_at >= %(start)s AND q.recorded_at < %(end)s))
    ORDER BY q.next_attempt_at, q.message_id
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
) AS m
INNER JOIN motcua.sending_conditions AS c ON m.message_id = c.message_id
LIMIT %(limit)s  -- noqa: AM09
