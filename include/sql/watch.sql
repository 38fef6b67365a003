-- What the watch asks each minute, and what the ledger mirrors of its alerts and its life. Called by
-- store/watching/watch.py.

-- name: clock
-- The ledger's clock.
SELECT clock_timestamp() AS now;

-- name: high_marks
-- The largest numbers that the ledger has given to attempts and to changes of messages, and the last sign of senders
-- before it slept, where it did and nobody has answered that yet, else the very last.
SELECT
    attempt_id,
    history_id,
    at_work_at
FROM motcua.seen_from_outside();

-- name: seen_from_outside
-- What a watch on another machine may see.
SELECT
    attempt_id,
    history_id,
    at_work_at,
    woke_at,
    slept_since,
    watch_looked_at,
    alerts
FROM motcua.seen_from_outside();

-- name: enabled
-- Agencies that are told for at this moment, and since when.
SELECT
    g.agency_code,
    g.enabled_from
FROM motcua.agencies AS g
WHERE
    g.enabled_from <= %(now)s
    AND coalesce(g.valid_until >= (%(now)s::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, TRUE)
ORDER BY g.agency_code;

-- name: first_moment
-- The first moment that the identity counts anything of.
SELECT
    least(
        (SELECT min(m.recorded_at) FROM motcua.messages AS m),
        (
            SELECT min(t.recorded_at) FROM motcua.transitions AS t
            WHERE t.at_one_stop_desk AND t.status_code IN (5, 9)
        ),
        (SELECT min(i.received_at) FROM motcua.inquiries AS i),
        (SELECT min(e.evening_at) FROM motcua.apology_evenings AS e)
    ) AS first_moment;

-- name: news
-- How many transitions each source recorded in each of these stretches of time, counted up to "enough".
SELECT
    s.name AS source,
    w.place,
    (
        SELECT count(*)
        FROM (
            SELECT 1
            FROM motcua.transitions AS t
            WHERE t.source_id = s.source_id AND t.recorded_at >= w.begins AND t.recorded_at < w.ends
            LIMIT %(enough)s  -- noqa: AM09
        ) AS f
    ) AS seen
FROM motcua.sources AS s
CROSS JOIN
    unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY AS w (begins, ends, place)
WHERE s.name = any(%(names)s::text[])
ORDER BY s.name, w.place;

-- name: receipts_of_gateways
-- Of each gateway's last attempts that it took, older than a moment and younger than another: how many there are, how
-- many of them a receipt ended, and when the oldest of these attempts began. Without those whose provider has none.
WITH latest AS (
    SELECT
        a.gateway,
        a.state,
        a.started_at
    FROM motcua.attempts AS a
    WHERE a.started_at < %(before)s
    ORDER BY a.attempt_id DESC
    LIMIT 300
),

taken AS (
    SELECT
        l.*,
        row_number() OVER (PARTITION BY l.gateway ORDER BY l.started_at DESC) AS place
    FROM latest AS l
    WHERE
        l.started_at >= %(since)s AND l.state IN ('accepted', 'delivered', 'undelivered')
        AND NOT EXISTS (SELECT 1 FROM motcua.gateways AS g WHERE l.gateway = g.name AND NOT g.reports_deliveries)
)

SELECT
    t.gateway,
    count(*) AS taken,
    count(*) FILTER (WHERE t.state <> 'accepted') AS reported,
    min(t.started_at) AS since
FROM taken AS t
WHERE t.place <= 10
GROUP BY t.gateway
ORDER BY t.gateway;

-- name: unknown_references
-- Among the last thousand receipts, those since a moment that name no attempt of ours: how many, and when the last one
-- was read.
SELECT
    count(*) AS receipts,
    max(r.read_at) AS last_at
FROM motcua.receipt_readings AS r
WHERE
    r.receipt_id > (SELECT max(m.receipt_id) - 1000 FROM motcua.receipt_readings AS m)
    AND r.effect = 'unknown_reference'
    -- Reports on the way, and a provider's events about other things, are none of a message that went.
    AND r.meaning <> 'pending'
    AND r.read_at >= %(since)s;

-- name: contradicted
-- Among the last thousand receipts, those since a moment by which a gateway had taken what it had answered to refuse:
-- by gateway of how many messages, how many of these another attempt told, too, and when the last one was read.
SELECT
    a.gateway,
    count(DISTINCT a.message_id) AS messages,
    count(DISTINCT a.message_id) FILTER (WHERE EXISTS (
        SELECT 1 FROM motcua.attempts AS o
        WHERE
            o.message_id = a.message_id AND o.attempt_id <> a.attempt_id
            AND o.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
    )) AS told_twice,
    max(r.read_at) AS last_at
FROM motcua.receipt_readings AS r
INNER JOIN motcua.attempts AS a ON r.attempt_id = a.attempt_id
WHERE
    r.receipt_id > (SELECT max(m.receipt_id) - 1000 FROM motcua.receipt_readings AS m)
    AND r.meaning IN ('accepted', 'delivered')
    AND r.read_at >= %(since)s
    AND a.outcome IN ('phone', 'unreachable', 'configuration', 'transient')
GROUP BY a.gateway
ORDER BY a.gateway;

-- name: delivered
-- Messages recorded in [start, end) that a gateway took, and how many of them reached a phone; replies are left out,
-- since no receipt tells of them.
SELECT
    count(*) AS taken,
    count(*) FILTER (WHERE m.state = 'delivered') AS delivered
FROM motcua.messages AS m
WHERE
    m.recorded_at >= %(start)s
    AND m.recorded_at < %(end)s
    AND m.accepted_at IS NOT NULL
    AND m.kind <> 'reply'
    AND m.state IN ('accepted', 'delivered', 'undelivered', 'unconfirmed');

-- name: unknown
-- Messages of unknown outcome since before a moment that are still useful, of some agencies or of all (NULL): how many,
-- and since when the first.
SELECT
    count(*) AS messages,
    min(m.changed_at) AS since
FROM motcua.messages AS m
WHERE
    m.state = 'unknown'
    AND m.changed_at < %(before)s
    AND m.useful_until > %(now)s
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]));

-- name: evening_left
-- Enabled agencies that have no record of this evening although it is theirs, with who is in charge of them and whose
-- calendar counts.
SELECT
    g.agency_code,
    g.apology_day,
    n.in_charge
FROM motcua.agencies AS g
INNER JOIN motcua.agencies_on(%(day)s::date) AS n ON g.agency_code = n.agency_code
WHERE
    g.enabled_from <= %(evening_at)s
    -- Found in the order of the agency's own codes: of an agency without dossiers all others' would be looked through.
    AND coalesce((
        SELECT TRUE
        FROM motcua.dossiers AS d
        INNER JOIN motcua.dossier_versions AS v ON d.dossier_id = v.dossier_id
        WHERE d.agency_code = g.agency_code AND v.seen_at <= %(evening_at)s
        ORDER BY d.agency_code, d.dossier_code
        LIMIT 1
    ), FALSE)
    AND coalesce(g.valid_from <= %(day)s, TRUE)
    AND n.in_charge IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM motcua.apology_evenings AS e
        WHERE e.agency_code = g.agency_code AND e.day = %(day)s
    )
ORDER BY g.agency_code;

-- name: daily_work
-- Whether a day's data was checked and a period was closed.
SELECT
    exists(
        SELECT 1 FROM motcua.quality_runs AS q
        WHERE q.day = %(checked_day)s AND q.sealed_at IS NOT NULL
    ) AS checked,
    exists(SELECT 1 FROM motcua.closings AS c WHERE c.period = %(closed_period)s) AS closed;

-- name: say_alive
-- The sign that the watch lives, with what it looked at.
INSERT INTO motcua.watch_life (began_at, looked_at, looks, recipients, unsent, unsent_since)
VALUES (%(began_at)s, %(looked_at)s, %(looks)s, %(recipients)s, %(unsent)s, %(unsent_since)s)
ON CONFLICT (only_one) DO UPDATE SET
    began_at = excluded.began_at,
    looked_at = excluded.looked_at,
    looks = excluded.looks,
    recipients = excluded.recipients,
    unsent = excluded.unsent,
    unsent_since = excluded.unsent_since;

-- name: life
-- The last sign of the watch; no row where it never ran, or was retired.
SELECT began_at, looked_at, looks, recipients, unsent, unsent_since
FROM motcua.watch_life;

-- name: retire
-- Nobody waits for a sign of the watch any more.
DELETE FROM motcua.watch_life;

-- name: save_alert
-- Mirrors an alert of the watch; an acknowledgement that the ledger has stays.
INSERT INTO motcua.alerts (
    name, subject, raised_at, facts, told_at, over_at, over_told_at, acknowledged_at, acknowledged_by
)
VALUES (
    %(name)s, %(subject)s, %(raised_at)s, %(facts)s, %(told_at)s, %(over_at)s, %(over_told_at)s, %(acknowledged_at)s,
    %(acknowledged_by)s
)
ON CONFLICT (name, subject, raised_at) DO UPDATE SET
    facts = excluded.facts,
    told_at = excluded.told_at,
    over_at = coalesce(alerts.over_at, excluded.over_at),
    over_told_at = excluded.over_told_at,
    acknowledged_at = coalesce(alerts.acknowledged_at, excluded.acknowledged_at),
    acknowledged_by = coalesce(alerts.acknowledged_by, excluded.acknowledged_by);

-- name: close_strays
-- Ends alerts that the mirror holds open and the watch does not know, as in a ledger that was restored.
UPDATE motcua.alerts AS a
SET over_at = greatest(%(now)s, a.raised_at)
WHERE
    a.over_at IS NULL
    AND NOT EXISTS (
        SELECT 1
        FROM unnest(%(names)s::text[], %(subjects)s::text[], %(moments)s::timestamptz[]) AS k (name, subject, raised_at)
        WHERE k.name = a.name AND k.subject = a.subject AND k.raised_at = a.raised_at
    );

-- name: alerts
-- Open alerts, and those that were over after a moment, the newest first.
SELECT
    name,
    subject,
    facts,
    raised_at AS first_seen,
    1 AS held,
    0 AS gone,
    raised_at,
    told_at,
    over_at,
    over_told_at,
    acknowledged_at,
    acknowledged_by
FROM motcua.alerts
WHERE over_at IS NULL OR over_at >= %(over_since)s
ORDER BY over_at DESC NULLS FIRST, raised_at DESC, alert_id DESC
LIMIT %(limit)s;

-- name: acknowledge
-- Somebody looks after an open alert: by its name, of one subject or of all. The first who says so stays.
UPDATE motcua.alerts
SET acknowledged_at = %(now)s, acknowledged_by = %(by)s
WHERE
    over_at IS NULL
    AND acknowledged_at IS NULL
    AND name = %(name)s
    AND coalesce(subject = %(subject)s::text, TRUE)
RETURNING name, subject, raised_at;
