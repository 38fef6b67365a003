-- Gateways: what their connections say, what is stopped there and tried again, and what their limits leave. Called by
-- store/notices/gateways.py.

-- name: names
-- Gateways that were ever used.
SELECT name FROM motcua.gateways
ORDER BY name;

-- name: ensure
-- The gateway's row, made where it is missing.
INSERT INTO motcua.gateways (name) VALUES (%(name)s)
ON CONFLICT (name) DO NOTHING;

-- name: note_opening
-- What the connection of a gateway says, or what is wrong with it; touches no row that says so already.
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
-- Until when a gateway's access token is good, or why the next was not got, and since when it is so; touches no row
-- that says so already.
UPDATE motcua.gateways
SET
    tokens_until = %(until)s,
    tokens_fault = left(%(fault)s, 200),
    tokens_failed_at = CASE WHEN %(fault)s::text IS NOT NULL THEN coalesce(tokens_failed_at, %(now)s) END
WHERE
    name = %(name)s
    AND (tokens_until, tokens_fault) IS DISTINCT FROM (%(until)s::timestamptz, left(%(fault)s::text, 200));

-- name: tokens_failing
-- Gateways whose tokens were not renewed although they were due.
SELECT name AS gateway, tokens_until, tokens_failed_at, tokens_fault
FROM motcua.gateways
WHERE tokens_fault IS NOT NULL AND name = any(%(gateways)s)
ORDER BY name;

-- name: prices
-- Gateways whose connections named a price when senders last read them, with it.
SELECT name, prices
FROM motcua.gateways
WHERE prices IS NOT NULL
ORDER BY name;

-- name: openings
-- What senders found the connections of gateways to say, of those that they ever opened.
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
-- Stops a gateway, or a carrier or a template there, until then, and keeps the change. One that is stopped for longer
-- stays so, and a pause that has grown does not shrink.
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
-- How many different numbers of a carrier a gateway refused for their carrier, each counted when it was first refused
-- since then, the last so many of them; and whether the gateway took a message to that carrier meanwhile.
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
            -- Asked of each attempt since then: joined, all messages were looked through for one of the carrier.
            AND (SELECT m.carrier FROM motcua.messages AS m WHERE m.message_id = a.message_id) = %(carrier)s
    ) AS took_one;

-- name: begin_trial
-- What was stopped long enough is tried again by this sender alone: for the others it stays stopped, for a longer pause
-- than before.
UPDATE motcua.gateway_stops
SET until = %(until)s, pause = %(pause)s
WHERE gateway = %(gateway)s AND concerns = %(concerns)s AND subject = %(subject)s AND until <= %(now)s
RETURNING gateway;

-- name: start
-- Lifts stops of one gateway or of all, whatever their time, when it is over (of what it concerns, and all that was
-- expected to end then), or when it is over or what is stopped is being tried again; and keeps the changes.
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
-- What is stopped, gateways and carriers among it whose time is over but which have taken nothing since.
SELECT gateway, concerns, subject, stopped_at, until, reason, by_hand, expected, pause
FROM motcua.gateway_stops
ORDER BY gateway, concerns, subject;

-- name: days_used_up
-- Gateways in use whose limit or quota of the day is used up, so that they take nothing until midnight: how much they
-- took that day, of how much where their connections say, and how many messages others took since; of many the last ten
-- thousand attempts are looked at.
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
-- The last changes of the gateways, the newest first.
SELECT gateway, subject, changed_at, change, until, reason, changed_by
FROM motcua.gateway_changes
ORDER BY change_id DESC
LIMIT %(limit)s;

-- name: lock_allowance
-- What a gateway with limits has left, locked until the claim is committed, so that all senders together keep to them.
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
-- When the next message of a gateway with a limit a second may start.
UPDATE motcua.gateways SET free_at = %(free_at)s
WHERE name = %(gateway)s;

-- name: count_segments
-- Segments handed over on a day, or (below zero) given back because they were surely not taken.
INSERT INTO motcua.gateway_days (gateway, day, segments)
VALUES (%(gateway)s, %(day)s, greatest(%(segments)s, 0))
ON CONFLICT (gateway, day) DO UPDATE
    SET segments = greatest(gateway_days.segments + %(segments)s, 0);

-- name: segments_today
-- Segments handed to each gateway on a day.
SELECT gateway, segments FROM motcua.gateway_days
WHERE day = %(day)s;
