-- Attempts: each is written before its HTTP call, gets the gateway's answer, and is settled where there was none.
-- Wherever messages change too, they are locked first, as receipts and answers do, so that none waits for the other in
-- a circle. Called by store/notices/attempts.py.

-- name: save
-- Attempts, committed before their HTTP calls.
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
-- The gateway's answers to attempts in flight, whose messages this transaction has locked. Of one whose receipt
-- overtook the answer the state stays what the receipt made it, and the answer is written beside it; its message is
-- locked first too: a next receipt may be there already.
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
    -- By an array: joined, they are so few and so many that PostgreSQL read all messages in their order.
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
-- Which of these numbers a gateway has said since then that it does not reach. What is emptied of personal data is
-- forgotten with the number.
SELECT a.msisdn
FROM motcua.attempts AS a
WHERE
    a.msisdn = any(%(numbers)s)
    AND a.gateway = %(gateway)s
    AND a.outcome = 'unreachable'
    AND a.state = 'failed'
    AND a.answered_at > %(since)s;

-- name: senders_in_flight
-- Senders with attempts in flight.
SELECT DISTINCT sender_id
FROM motcua.attempts
WHERE state = 'in_flight';

-- name: abandon
-- The attempts that a dead sender left in flight: their outcome is unknown, and so is their messages'.
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
-- Attempts at a gateway whose end is not known and that may be asked about or repeated now, locked, with what their
-- messages look like at this moment.
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
    AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
ORDER BY a.attempt_id
LIMIT %(limit)s
FOR UPDATE OF m SKIP LOCKED;

-- name: note_settling
-- Attempts that are being asked about or repeated: not again before their time.
UPDATE motcua.attempts AS a
SET settle_at = r.settle_at, settlings = a.settlings + 1
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (attempt_id bigint, settle_at timestamptz)
WHERE a.attempt_id = r.attempt_id;

-- name: begin_repeat
-- Attempts without an answer whose requests are repeated under the same reference: in flight again, by this settler, so
-- that nobody releases their messages meanwhile and its death is noticed.
UPDATE motcua.attempts
SET state = 'in_flight', sender_id = %(sender_id)s
WHERE attempt_id = any(%(attempt_ids)s) AND state = 'unknown' AND NOT released;

-- name: settle_repeat
-- The answer to a request that was repeated under the same reference settles its attempt and message, unless a receipt
-- did so meanwhile.
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
-- A repeated request that proved nothing: its attempt's end is unknown as before.
UPDATE motcua.attempts
SET state = 'unknown'
WHERE attempt_id = %(attempt_id)s AND state = 'in_flight' AND sender_id = %(sender_id)s;

-- name: assume_accepted
-- Attempts without an answer at a gateway whose declared policy takes them for accepted: a receipt still moves them,
-- else they end as unconfirmed; they are never sent again.
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
-- Accepted attempts at a gateway that no final receipt came for and that may be asked about now, locked.
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
-- Attempts of one run by outcome, with how many of their messages are unresolved; what waits because people stopped it,
-- for their word, or for a gateway's hours is not. Runs of two DAGs may have one name (both are for 17:30): what is
-- known to be another's is left out, where it is known for which run this session works.
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
