-- Write attempts before their HTTP calls, write the gateways' answers, and decide the outcome of attempts without an
-- answer. An attempt is one try to hand a message to a gateway. An SQL statement that also changes messages locks the
-- messages first. All SQL statements that apply receipts or answers lock in this order, so that no deadlock occurs.
-- Called by store/notices/attempts.py.

-- name: save
-- Insert attempts (motcua.attempts). The caller commits them before their HTTP calls.
INSERT INTO motcua.attempts (
    message_id, gateway, reference, sender_id, run_id, msisdn, segments, unit, accented, carrier, started_at
)
SELECT
    r.message_id, %(gateway)s, r.reference, %(sender_id)s, %(run_id)s, r.msisdn, r.units, r.unit, r.accented,
    (SELECT m.carrier FROM motcua.messages AS m WHERE m.message_id = r.message_id), %(now)s
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        message_id bigint, reference text, msisdn text, units smallint, unit text, accented boolean
    );

-- name: apply_outcomes
-- Write the gateway's answers to attempts in flight (motcua.attempts). Earlier in the same transaction, the caller
-- wrote the answers to the messages and thereby locked them. If a delivery receipt came before the answer, the attempt
-- keeps the state that the receipt gave it. The caller skipped the message of such an attempt. This SQL statement locks
-- that message, because another transaction may be applying a receipt to the message.
WITH answers AS MATERIALIZED (
    SELECT
        r.attempt_state,
        r.outcome,
        r.concerns,
        r.http_status,
        r.gateway_code,
        r.gateway_reference,
        r.answered_at,
        r.settle_at,
        a.attempt_id,
        a.message_id,
        a.outcome = 'receipt' AS is_overtaken
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
    INNER JOIN motcua.attempts AS a ON r.reference = a.reference
),

overtaken AS MATERIALIZED (
    SELECT m.message_id
    FROM motcua.messages AS m
    -- The messages are looked up by an array of their numbers. For a join with these few rows, PostgreSQL would read
    -- the whole table of messages.
    WHERE m.message_id = any(array(SELECT o.message_id FROM answers AS o WHERE o.is_overtaken))
    ORDER BY m.message_id
    FOR UPDATE
)

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
FROM answers AS r
LEFT JOIN overtaken AS o ON r.message_id = o.message_id
WHERE
    a.attempt_id = r.attempt_id
    AND (a.state = 'in_flight' OR (a.outcome = 'receipt' AND o.message_id IS NOT NULL));

-- name: unreachable
-- Return the given phone numbers that a gateway has reported as unreachable since a time (motcua.attempts). Attempts
-- whose personal data was emptied have no number and are not found.
SELECT a.msisdn
FROM motcua.attempts AS a
WHERE
    a.msisdn = any(%(numbers)s)
    AND a.gateway = %(gateway)s
    AND a.outcome = 'unreachable'
    AND a.state = 'failed'
    AND a.answered_at > %(since)s;

-- name: senders_in_flight
-- Return the senders that have attempts in flight (motcua.attempts).
SELECT DISTINCT sender_id
FROM motcua.attempts
WHERE state = 'in_flight';

-- name: abandon
-- Set to unknown the attempts that a dead sender left in flight, and the messages of these attempts (motcua.attempts,
-- motcua.messages).
WITH theirs AS MATERIALIZED (
    SELECT m.message_id
    FROM motcua.messages AS m
    WHERE
        m.message_id IN (
            SELECT a.message_id FROM motcua.attempts AS a
            WHERE a.sender_id = %(sender_id)s AND a.state = 'in_flight'
        )
    ORDER BY m.message_id
    FOR UPDATE
),

left_behind AS (
    UPDATE motcua.attempts AS a
    SET
        state = 'unknown',
        outcome = 'unknown',
        answered_at = %(now)s,
        gateway_code = 'the sender ended before the answer',
        settle_at = %(settle_at)s
    FROM theirs AS t
    WHERE a.message_id = t.message_id AND a.sender_id = %(sender_id)s AND a.state = 'in_flight'
    RETURNING a.message_id
)

UPDATE motcua.messages AS m
SET state = 'unknown', reason = 'sender_ended'
FROM left_behind
WHERE m.message_id = left_behind.message_id AND m.state = 'sending';

-- name: unsettled
-- Return the attempts of unknown outcome at one gateway, begun since a moment, whose outcome may be decided now
-- (settle_at), and lock their messages (motcua.attempts). The caller queries the gateway about these attempts or
-- repeats their requests. The result has the conditions that the caller checks before it repeats a request
-- (motcua.sending_conditions).
SELECT
    a.attempt_id,
    a.message_id,
    a.reference,
    a.gateway_reference,
    a.started_at,
    a.settlings,
    a.msisdn AS sent_to,
    a.accented AS sent_accented,
    m.kind,
    m.text,
    m.accented,
    m.template_id,
    m.template_version,
    m.parameters,
    m.accented_parameters,
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
    AND a.started_at > %(begun_since)s
    AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
ORDER BY a.attempt_id
LIMIT %(limit)s
FOR UPDATE OF m SKIP LOCKED;

-- name: note_settling
-- Write for each of these attempts the time until which the gateway is not queried about the attempt again and its
-- request is not repeated again (motcua.attempts). The caller writes this before it queries the gateway or repeats a
-- request.
UPDATE motcua.attempts AS a
SET settle_at = r.settle_at, settlings = a.settlings + 1
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (attempt_id bigint, settle_at timestamptz)
WHERE a.attempt_id = r.attempt_id;

-- name: begin_repeat
-- Set attempts of unknown outcome to in flight, for the sender that repeats their requests under the same reference
-- (motcua.attempts). While an attempt is in flight, nobody can have its message sent again. If that sender dies, the
-- SQL statement "abandon" sets the attempt to unknown again.
UPDATE motcua.attempts
SET state = 'in_flight', sender_id = %(sender_id)s
WHERE attempt_id = any(%(attempt_ids)s) AND state = 'unknown' AND NOT released;

-- name: settle_repeat
-- Write the answer to a repeated request to its attempt and message, unless a delivery receipt settled them before
-- (motcua.attempts, motcua.messages).
WITH theirs AS MATERIALIZED (
    SELECT m.message_id
    FROM motcua.messages AS m
    WHERE m.message_id = %(message_id)s AND m.state = 'unknown'
    FOR UPDATE
),

settled AS (
    UPDATE motcua.attempts AS a
    SET
        state = %(attempt_state)s,
        outcome = %(outcome)s,
        http_status = %(http_status)s,
        gateway_code = left(%(gateway_code)s, 200),
        gateway_reference = coalesce(left(%(gateway_reference)s, 200), a.gateway_reference),
        answered_at = %(now)s,
        settle_at = %(settle_at)s
    FROM theirs AS t
    WHERE
        a.message_id = t.message_id AND a.attempt_id = %(attempt_id)s
        AND a.state = 'in_flight' AND a.sender_id = %(sender_id)s
    RETURNING a.message_id
)

UPDATE motcua.messages AS m
SET
    state = %(state)s,
    reason = %(reason)s,
    accepted_at = CASE WHEN %(state)s = 'accepted' THEN %(now)s ELSE m.accepted_at END
FROM settled AS s
WHERE m.message_id = s.message_id;

-- name: end_repeat
-- Set an attempt back to unknown, because the answer to its repeated request does not prove its outcome
-- (motcua.attempts).
UPDATE motcua.attempts
SET state = 'unknown'
WHERE attempt_id = %(attempt_id)s AND state = 'in_flight' AND sender_id = %(sender_id)s;

-- name: assume_accepted
-- Set attempts of unknown outcome to accepted, at a gateway whose connection states that unknown outcomes count as
-- accepted (motcua.attempts, motcua.messages). A delivery receipt still changes them. Without a receipt they end as
-- unconfirmed. They are never sent again.
WITH theirs AS MATERIALIZED (
    SELECT m.message_id, a.attempt_id
    FROM motcua.messages AS m
    INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
    WHERE
        m.state = 'unknown'
        AND a.state = 'unknown'
        AND NOT a.released
        AND a.gateway = %(gateway)s
        AND a.started_at <= %(before)s
        AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
    ORDER BY m.message_id
    LIMIT 10000
    FOR UPDATE OF m SKIP LOCKED
),

settled AS (
    UPDATE motcua.attempts AS a
    SET state = 'accepted'
    FROM theirs AS t
    WHERE a.attempt_id = t.attempt_id AND a.state = 'unknown'
    RETURNING a.message_id
)

UPDATE motcua.messages AS m
SET state = 'accepted', reason = 'assumed', accepted_at = %(now)s
FROM settled AS s
WHERE m.message_id = s.message_id;

-- name: unreported
-- Return accepted attempts at one gateway that have no final delivery receipt and about which the gateway may be
-- queried now, and lock their messages (motcua.attempts).
SELECT a.attempt_id, a.message_id, a.reference, a.gateway_reference, a.msisdn AS sent_to, a.started_at, a.settlings
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE
    a.gateway = %(gateway)s
    AND a.state = 'accepted'
    AND m.state = 'accepted'
    AND a.settle_at <= %(now)s
    AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
ORDER BY a.settle_at
LIMIT %(limit)s
FOR UPDATE OF m SKIP LOCKED;

-- name: of_run
-- Return the outcomes of one run's attempts, each with the number of unresolved messages (motcua.attempts). A message
-- is unresolved while it is queued, being sent or of unknown outcome. Messages that wait because of a stop, for a
-- person's decision or for a gateway's opening hours do not count as unresolved. Two DAGs run at 17:30, and their runs
-- have the same name then, because Airflow names a run after its time. If this session has the number of its run
-- (setting motcua.run), attempts of the other run are left out.
SELECT
    a.outcome,
    count(*) FILTER (
        WHERE
        m.state IN ('queued', 'sending', 'unknown')
        AND coalesce(m.reason, '') NOT IN ('stopped', 'slept', 'waits_for_opening')
    ) AS unresolved
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE
    a.run_id = %(run_id)s
    AND coalesce(a.run_no = nullif(current_setting('motcua.run', TRUE), '')::bigint, TRUE)
GROUP BY a.outcome;
