-- Find the messages that are due, lock them for one sender, and write whether each is sent, waits or ends. Called by
-- store/notices/messages.py.

-- name: any_due
-- Return whether any message is due by a time (motcua.messages).
SELECT EXISTS(
    SELECT 1 FROM motcua.messages
    WHERE
        state = 'queued'
        AND next_attempt_at <= %(by)s
        AND (%(start)s::timestamptz IS NULL OR (recorded_at >= %(start)s AND recorded_at < %(end)s))
) AS due;

-- name: plan_by_keys
-- Make this connection plan each SQL statement once for all parameter values, and read tables through their keys only.
-- The planner must not rely on its statistics of the table sizes, because they are wrong just after the installation
-- and during a burst of messages.
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
-- Return due messages that one gateway may send and lock them for this sender (motcua.messages), with the present state
-- of their dossiers and agencies (motcua.sending_conditions). These are messages to the gateway's carriers, and
-- messages that another gateway refused and this gateway may send. If the parameter gateway is empty, the query returns
-- messages that no gateway serves. A queued message is skipped if an attempt to send it is in flight, of unknown
-- outcome, accepted or delivered. An attempt that is released (its message may be sent once more) does not count. The
-- query starts at a given position in the queue, or at its beginning. The caller must update each returned message in
-- the same transaction. The inner LIMIT lets PostgreSQL know that few rows are needed, however long the queue is.
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
    -- The function stopped_until is called only if some stop is in force, because it costs time for each row.
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
        -- PostgreSQL evaluates a count for each row, but would plan NOT EXISTS as a join over all attempts.
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
-- Mark claimed messages as being sent, with the dossier's present phone number (motcua.messages).
UPDATE motcua.messages AS m
SET state = 'sending', reason = NULL, msisdn = r.msisdn, carrier = r.carrier, attempts_made = m.attempts_made + 1
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (message_id bigint, msisdn text, carrier text)
WHERE m.message_id = r.message_id;

-- name: postpone
-- Postpone claimed messages, each until its own time (motcua.messages). The SQL statement also writes the reason, the
-- carrier of the present phone number, and the gateways that the message must avoid.
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
-- End the claimed messages that must not be sent: write the final state and the reason of each (motcua.messages).
UPDATE motcua.messages AS m
SET state = r.state, reason = r.reason
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (message_id bigint, state text, reason text)
WHERE m.message_id = r.message_id;

-- name: find_for_trial
-- Return the position in the queue of one due message with which a paused carrier is tried again (motcua.messages). If
-- refused_too is false, messages that a gateway refused because of their carrier are skipped. The message that
-- became due last is chosen, because the earlier ones may all be messages whose refusal caused the pause.
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
-- Return messages that have been due since due_by although a sender could send them (motcua.messages). A sender can
-- send a message if a gateway for its carrier has no fault and no pause, no stop covers the message and no gap forbids
-- all sending. A stop is an order not to send messages of a kind or an agency for some time. A gap is a time of which
-- the ledger may lack data, for example after a restore. The query reads 20 messages at each end of the queue. Most
-- messages that cannot be sent wait for the same reason, so a few messages show the state of the whole queue.
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
