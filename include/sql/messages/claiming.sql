-- Which messages are due, who takes them, and which of those go, wait or are turned away. Called by
-- store/notices/messages.py.

-- name: any_due
-- Whether any message is due by then.
SELECT EXISTS(
    SELECT 1 FROM motcua.messages
    WHERE
        state = 'queued'
        AND next_attempt_at <= %(by)s
        AND (%(start)s::timestamptz IS NULL OR (recorded_at >= %(start)s AND recorded_at < %(end)s))
) AS due;

-- name: plan_by_keys
-- From here on this connection plans each statement once, for any values, and reads tables through their keys alone,
-- whatever PostgreSQL believes of their size: just after installation, or within a burst, it is wrong about that.
SELECT set_config(s.name, s.value, FALSE)
FROM
    (
        VALUES
        ('plan_cache_mode', 'force_generic_plan'),
        ('enable_seqscan', 'off'),
        ('enable_bitmapscan', 'off'),
        ('enable_hashjoin', 'off'),
        ('enable_mergejoin', 'off'),
        ('enable_sort', 'off')
    ) AS s (name, value);

-- name: claim_due
-- Due messages that a gateway is the one for, locked for this sender alone, with what their dossiers and agencies look
-- like at this moment: those of its carriers, and those that another gateway refused and this one may take. With an
-- empty gateway: those that no gateway is for. A message with an attempt that is, or may be, on its way is left alone
-- whatever its state says. From a place in the queue on, or from its beginning. The caller settles each in the same
-- transaction. No more than the inner limit at once: it lets PostgreSQL see that few rows are wanted, however long the
-- queue.
SELECT
    m.message_id,
    m.kind,
    m.text,
    m.accented,
    m.template_id,
    m.template_version,
    m.parameters,
    m.accented_parameters,
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
    c.waits_for_opening,
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
        q.accented_parameters,
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
            OR (q.avoid <> '{}' AND q.carrier = any(%(open_carriers)s) AND NOT %(gateway)s = any(q.avoid))
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
LIMIT %(limit)s;  -- noqa: AM09

-- name: begin_sending
-- Claimed messages that go: in flight from here on, to the dossier's present number.
UPDATE motcua.messages AS m
SET state = 'sending', reason = NULL, msisdn = r.msisdn, carrier = r.carrier, attempts_made = m.attempts_made + 1
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (message_id bigint, msisdn text, carrier text)
WHERE m.message_id = r.message_id;

-- name: postpone
-- Claimed messages that must wait, each until its time, with the reason, the carrier of its present number and the
-- gateways that it is not for.
UPDATE motcua.messages AS m
SET
    next_attempt_at = r.until,
    reason = coalesce(r.reason, m.reason),
    carrier = coalesce(r.carrier, m.carrier),
    avoid = coalesce(r.avoid, m.avoid)
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        message_id bigint, until timestamptz, reason text, carrier text, avoid text[]
    )
WHERE m.message_id = r.message_id;

-- name: turn_away
-- Claimed messages that may not go, each to its state with its reason.
UPDATE motcua.messages AS m
SET state = r.state, reason = r.reason
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (message_id bigint, state text, reason text)
WHERE m.message_id = r.message_id;

-- name: find_for_trial
-- Where in the queue the newest message is that a stopped carrier is tried again with: one whose number was not refused
-- there, or any due one. The newest, since the oldest may all be what stopped it.
SELECT q.next_attempt_at, q.message_id
FROM motcua.messages AS q
WHERE
    q.state = 'queued'
    AND q.next_attempt_at <= %(now)s
    AND q.carrier = %(carrier)s
    AND NOT %(gateway)s = any(q.avoid)
    AND (q.reason IS DISTINCT FROM 'carrier_refused' OR %(refused_too)s)
    AND (%(start)s::timestamptz IS NULL OR (q.recorded_at >= %(start)s AND q.recorded_at < %(end)s))
ORDER BY q.next_attempt_at DESC, q.message_id DESC
LIMIT 1;

-- name: left_waiting
-- Messages that are due for a while and could go: a gateway for their carrier is not stopped, no stop of people covers
-- them, no gap that holds all is open. Both ends of the queue are looked at, a few messages of each: what cannot go is
-- mostly alike, and however much of it there is, little is read.
WITH usable AS MATERIALIZED (
    SELECT
        n.name,
        g.carriers
    FROM unnest(%(gateways)s::text[]) AS n (name)
    LEFT JOIN motcua.gateways AS g ON n.name = g.name
    WHERE
        g.fault IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM motcua.gateway_stops AS s
            WHERE s.gateway = n.name AND s.concerns = 'gateway' AND s.until > %(now)s
        )
        AND NOT EXISTS (SELECT 1 FROM motcua.gaps AS p WHERE p.closed_at IS NULL AND p.held_until IS NULL)
),

ends AS MATERIALIZED (
    (
        SELECT q.message_id, q.next_attempt_at, q.kind, q.agency_code, q.carrier, q.avoid
        FROM motcua.messages AS q
        WHERE q.state = 'queued' AND q.next_attempt_at <= %(due_by)s
        ORDER BY q.next_attempt_at, q.message_id
        LIMIT 20
    )
    UNION
    (
        SELECT q.message_id, q.next_attempt_at, q.kind, q.agency_code, q.carrier, q.avoid
        FROM motcua.messages AS q
        WHERE q.state = 'queued' AND q.next_attempt_at <= %(due_by)s
        ORDER BY q.next_attempt_at DESC, q.message_id DESC
        LIMIT 20
    )
)

SELECT
    m.message_id,
    m.next_attempt_at
FROM ends AS m
WHERE
    EXISTS (
        SELECT 1 FROM usable AS u
        WHERE
            NOT u.name = any(m.avoid)
            AND (m.carrier IS NULL OR u.carriers IS NULL OR m.carrier = any(u.carriers))
            AND NOT EXISTS (
                SELECT 1 FROM motcua.gateway_stops AS s
                WHERE s.gateway = u.name AND s.concerns = 'carrier' AND s.subject = m.carrier AND s.until > %(now)s
            )
    )
    AND motcua.stopped_until(m.kind, m.agency_code, %(now)s) IS NULL
    AND 0 = (
        SELECT count(*) FROM motcua.attempts AS a
        WHERE
            a.message_id = m.message_id AND a.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
            AND NOT a.released
    )
ORDER BY m.next_attempt_at, m.message_id;
