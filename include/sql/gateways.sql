-- Store the state of gateways: the properties of their connections, their pauses, and how much of their limits is left.
-- A trial is a message sent to find out whether a paused gateway accepts messages again. A pause is expected if the
-- gateway's own rules cause it, for example at night. Called by store/notices/gateways.py.

-- name: names
-- Return the gateways that were ever used (motcua.gateways).
SELECT name FROM motcua.gateways
ORDER BY name;

-- name: ensure
-- Insert a gateway if it is missing (motcua.gateways).
INSERT INTO motcua.gateways (name) VALUES (%(name)s)
ON CONFLICT (name) DO NOTHING;

-- name: note_opening
-- Write the properties that the Airflow connection of a gateway states, or the fault of that connection
-- (motcua.gateways). An unchanged row is not written.
UPDATE motcua.gateways
SET
    opened_at = %(now)s,
    fault = %(fault)s,
    carriers = %(carriers)s,
    segments_per_second = %(segments_per_second)s,
    segments_per_day = %(segments_per_day)s,
    unit = %(unit)s,
    always_accented = %(always_accented)s,
    reports_deliveries = %(reports_deliveries)s,
    prices = coalesce(%(prices)s::jsonb, CASE WHEN %(fault)s::text IS NOT NULL THEN prices END)
WHERE
    name = %(name)s
    AND (
        opened_at IS NULL
        OR (
            fault,
            carriers,
            segments_per_second,
            segments_per_day,
            unit,
            always_accented,
            reports_deliveries,
            prices
        )
        IS DISTINCT FROM (
            %(fault)s::text,
            %(carriers)s::text[],
            %(segments_per_second)s::double precision,
            %(segments_per_day)s::bigint,
            %(unit)s::text,
            %(always_accented)s::boolean,
            %(reports_deliveries)s::boolean,
            coalesce(%(prices)s::jsonb, CASE WHEN %(fault)s::text IS NOT NULL THEN prices END)
        )
    );

-- name: note_tokens
-- Write until when a gateway's access token is valid, or why the next token was not received and since when
-- (motcua.gateways). An unchanged row is not written. A token that is older than a failed renewal does not end the
-- failure, because the gateway may have refused that token before its time was over. A failure without any token means
-- that the token file could not be read. Any token that is read later ends such a failure.
UPDATE motcua.gateways
SET
    tokens_until = %(until)s,
    tokens_fault = left(%(fault)s, 200),
    tokens_failed_at = CASE WHEN %(fault)s::text IS NOT NULL THEN coalesce(tokens_failed_at, %(now)s) END
WHERE
    name = %(name)s
    AND (tokens_until, tokens_fault) IS DISTINCT FROM (%(until)s::timestamptz, left(%(fault)s::text, 200))
    AND (
        %(fault)s::text IS NOT NULL
        OR coalesce(tokens_failed_at <= %(renewed_at)s::timestamptz, TRUE)
        OR tokens_until IS NULL
    );

-- name: tokens_failing
-- Return the gateways whose access tokens were due for renewal and could not be renewed (motcua.gateways).
SELECT name AS gateway, tokens_until, tokens_failed_at, tokens_fault
FROM motcua.gateways
WHERE tokens_fault IS NOT NULL AND name = any(%(gateways)s)
ORDER BY name;

-- name: prices
-- Return the prices of the gateways whose connections stated a price when a sender last read them (motcua.gateways).
SELECT name, prices
FROM motcua.gateways
WHERE prices IS NOT NULL
ORDER BY name;

-- name: openings
-- Return the properties of every gateway whose connection a sender ever read, as the connection stated them
-- (motcua.gateways).
SELECT
    name,
    opened_at,
    fault,
    carriers,
    segments_per_second,
    segments_per_day,
    unit,
    always_accented,
    reports_deliveries,
    prices
FROM motcua.gateways
WHERE opened_at IS NOT NULL
ORDER BY name;

-- name: stop
-- Pause a gateway, or a carrier or a template there, until a time, and log the change (motcua.gateway_stops,
-- motcua.gateway_changes). An existing pause that ends later than this time is not changed. The length that failed
-- trials gave a pause is not shortened, unless the new pause has a fixed end.
WITH stopped AS (
    INSERT INTO motcua.gateway_stops (gateway, concerns, subject, stopped_at, until, pause, reason, by_hand, expected)
    VALUES (
        %(gateway)s,
        %(concerns)s,
        %(subject)s,
        %(stopped_at)s,
        %(until)s,
        %(pause)s,
        left(%(reason)s, 200),
        %(by_hand)s,
        %(expected)s
    )
    ON CONFLICT (gateway, concerns, subject) DO UPDATE
        SET
            until = CASE
                WHEN excluded.pause IS NULL THEN excluded.until
                ELSE greatest(excluded.until, excluded.stopped_at + gateway_stops.pause)
            END,
            pause = CASE WHEN excluded.pause IS NOT NULL THEN greatest(gateway_stops.pause, excluded.pause) END,
            reason = excluded.reason,
            by_hand = excluded.by_hand,
            expected = excluded.expected
        WHERE gateway_stops.until < excluded.until
    RETURNING gateway, concerns, subject, until, reason
)

INSERT INTO motcua.gateway_changes (gateway, concerns, subject, change, until, reason, changed_by)
SELECT
    gateway,
    concerns,
    subject,
    'stopped',
    until,
    reason,
    %(changed_by)s
FROM stopped;

-- name: judge_carrier
-- Return how many different phone numbers of a carrier a gateway has refused since a given time for a reason that
-- concerns this carrier (motcua.attempts). Only the latest refused numbers count, up to the given maximum. A number
-- counts at its first refusal. took_one is true if the gateway accepted a message to that carrier after the first of
-- these refusals.
WITH refused AS (
    SELECT min(a.attempt_id) AS attempt_id
    FROM motcua.attempts AS a
    INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
    WHERE
        a.gateway = %(gateway)s
        AND a.concerns = 'carrier'
        AND a.answered_at > %(since)s
        AND m.carrier = %(carrier)s
    GROUP BY a.msisdn
    ORDER BY min(a.attempt_id) DESC
    LIMIT %(numbers)s
)

SELECT
    (SELECT count(*) FROM refused) AS refused,
    exists(
        SELECT 1
        FROM motcua.attempts AS a
        WHERE
            a.attempt_id > (SELECT min(r.attempt_id) FROM refused AS r)
            AND a.gateway = %(gateway)s
            AND a.state IN ('accepted', 'delivered', 'undelivered')
            -- The carrier is looked up for each attempt separately. For a join, PostgreSQL would read all messages to
            -- find one to the carrier.
            AND (SELECT m.carrier FROM motcua.messages AS m WHERE m.message_id = a.message_id) = %(carrier)s
    ) AS took_one;

-- name: begin_trial
-- Let this sender alone try a gateway, carrier or template again whose pause is over (motcua.gateway_stops). For other
-- senders the pause goes on until the given time.
UPDATE motcua.gateway_stops
SET until = %(until)s, pause = %(pause)s
WHERE gateway = %(gateway)s AND concerns = %(concerns)s AND subject = %(subject)s AND until <= %(now)s
RETURNING gateway;

-- name: start
-- Delete pauses of one gateway or all gateways, and log the changes (motcua.gateway_stops, motcua.gateway_changes). If
-- neither over_at nor tried_at is given, pauses are deleted whether they are over or not. If over_at is given, only
-- pauses that are over at that time are deleted: those of the given kinds (gateway, carrier, template), and all
-- expected ones. If tried_at is given, only pauses of the given kinds are deleted that are over at that time or last
-- until a trial succeeds.
WITH lifted AS (
    DELETE FROM motcua.gateway_stops
    WHERE
        (%(gateway)s::text IS NULL OR gateway = %(gateway)s)
        AND (concerns = any(%(concerns)s) OR (expected AND %(over_at)s::timestamptz IS NOT NULL))
        AND (%(subject)s::text IS NULL OR subject = %(subject)s)
        AND (%(over_at)s::timestamptz IS NULL OR until <= %(over_at)s)
        AND (%(tried_at)s::timestamptz IS NULL OR pause IS NOT NULL OR until <= %(tried_at)s)
    RETURNING gateway, concerns, subject
)

INSERT INTO motcua.gateway_changes (gateway, concerns, subject, change, reason, changed_by)
SELECT
    gateway,
    concerns,
    subject,
    'started',
    %(reason)s,
    %(changed_by)s
FROM lifted;

-- name: stops
-- Return all pauses (motcua.gateway_stops). An unexpected pause of a gateway or carrier stays in the list after its
-- time until a message was accepted there.
SELECT gateway, concerns, subject, stopped_at, until, reason, by_hand, expected, pause
FROM motcua.gateway_stops
ORDER BY gateway, concerns, subject;

-- name: days_used_up
-- Return the gateways in use whose limit or quota of the day is used up, so that they accept nothing until midnight
-- (motcua.gateway_stops). Each row has the segments used that day, the limit if the connection states one, and how many
-- of the last ten thousand attempts other gateways accepted or may have accepted since the pause began.
SELECT
    s.gateway,
    s.until,
    s.reason,
    g.segments_per_day,
    coalesce(d.segments, 0) AS used,
    (
        SELECT count(*)
        FROM (
            SELECT a.gateway, a.started_at, a.state FROM audit.attempts AS a
            ORDER BY a.attempt_id DESC
            LIMIT 10000
        ) AS l
        WHERE
            l.started_at >= s.stopped_at AND l.gateway <> s.gateway
            AND l.state IN ('accepted', 'delivered', 'undelivered', 'unknown')
    ) AS elsewhere
FROM motcua.gateway_stops AS s
INNER JOIN motcua.gateways AS g ON s.gateway = g.name
LEFT JOIN motcua.gateway_days AS d ON s.gateway = d.gateway AND d.day = %(day)s
WHERE
    s.concerns = 'gateway' AND s.expected AND s.gateway = any(%(gateways)s)
    AND s.until > %(now)s
    AND s.until > %(midnight)s::timestamptz - interval '1 minute'
    AND s.until < %(midnight)s::timestamptz + interval '1 minute'
ORDER BY s.gateway;

-- name: changes
-- Return the last changes of the gateways, the newest first (motcua.gateway_changes).
SELECT gateway, subject, changed_at, change, until, reason, changed_by
FROM motcua.gateway_changes
ORDER BY change_id DESC
LIMIT %(limit)s;

-- name: lock_day
-- Lock the row of a gateway's day until the transaction ends, and insert it if it is missing (motcua.gateway_days). A
-- transaction that locks the gateway too must lock its day first. The reason is the trigger motcua.correct_gateway_day:
-- it locks the day when a sender writes a refusal, and the sender locks the gateway afterwards, when it reserves its
-- next messages (a claim). In the other order, two senders could wait for each other (deadlock). ON CONFLICT locks an
-- existing row although the WHERE condition is false, and writes no new version of the row.
INSERT INTO motcua.gateway_days (gateway, day, segments) VALUES (%(gateway)s, %(day)s, 0)
ON CONFLICT (gateway, day) DO UPDATE
    SET segments = gateway_days.segments
    WHERE FALSE;

-- name: lock_allowance
-- Return how much of its limits a gateway has left, and lock the gateway until the claim is committed
-- (motcua.gateways), so that all senders together keep the limits. The caller executes lock_day before.
SELECT
    g.free_at,
    coalesce((
        SELECT d.segments FROM motcua.gateway_days AS d
        WHERE d.gateway = g.name AND d.day = %(day)s
    ), 0) AS segments_today
FROM motcua.gateways AS g
WHERE g.name = %(gateway)s
FOR UPDATE OF g;

-- name: set_free_at
-- Write the earliest time at which the next message may be sent through a gateway that has a limit per second
-- (motcua.gateways).
UPDATE motcua.gateways SET free_at = %(free_at)s
WHERE name = %(gateway)s;

-- name: count_segments
-- Add the segments of messages that are handed to a gateway on a day (motcua.gateway_days). The trigger
-- motcua.correct_gateway_day subtracts the segments that the gateway certainly did not accept.
INSERT INTO motcua.gateway_days (gateway, day, segments)
VALUES (%(gateway)s, %(day)s, %(segments)s)
ON CONFLICT (gateway, day) DO UPDATE
    SET segments = gateway_days.segments + excluded.segments;

-- name: segments_today
-- Return the segments that were handed to each gateway on a day (motcua.gateway_days).
SELECT gateway, segments FROM motcua.gateway_days
WHERE day = %(day)s;
