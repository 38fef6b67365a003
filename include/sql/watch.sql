-- Read the facts that the watch checks twice a minute, and store its alerts and its heartbeat in the ledger. The watch
-- is a process outside Airflow that raises an alert when it finds a fault. Called by store/watching/watch.py.

-- name: clock
-- Return the ledger's clock.
SELECT clock_timestamp() AS now;

-- name: high_marks
-- Return the largest numbers of attempts and of changes of messages, and the last heartbeat of the senders
-- (motcua.seen_from_outside). If no sender ran for a while, and it is not decided yet whether the ledger was restored
-- in that time, the result has the last heartbeat before that time.
SELECT
    attempt_id,
    history_id,
    at_work_at
FROM motcua.seen_from_outside();

-- name: seen_from_outside
-- Return what a watch on another machine may see (motcua.seen_from_outside).
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
-- Return the agencies that are enabled at this time, and since when (motcua.agencies).
SELECT
    g.agency_code,
    g.enabled_from
FROM motcua.agencies AS g
WHERE
    g.enabled_from <= %(now)s
    AND coalesce(g.valid_until >= (%(now)s::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, TRUE)
ORDER BY g.agency_code;

-- name: first_moment
-- Return the time of the first event that counts when events are compared with the messages about them
-- (motcua.messages, motcua.transitions).
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
-- Return how many transitions each source recorded in each of the given spans of time, counted up to a maximum
-- (motcua.transitions).
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
-- Count each gateway's last accepted attempts between two times, at most ten, among the last 300 attempts of all
-- gateways (motcua.attempts). The result also has how many of them got a final delivery receipt, and when the oldest of
-- them began. Attempts of a provider without delivery receipts are left out.
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
-- Return how many of the last thousand delivery receipts were read since a time and name no attempt of the ledger, and
-- when the last of these was read (motcua.receipt_readings).
SELECT
    count(*) AS receipts,
    max(r.read_at) AS last_at
FROM motcua.receipt_readings AS r
WHERE
    r.receipt_id > (SELECT max(m.receipt_id) - 1000 FROM motcua.receipt_readings AS m)
    AND r.effect = 'unknown_reference'
    -- Left out are receipts about messages still on their way, and a provider's events about other matters.
    AND r.meaning <> 'pending'
    AND r.read_at >= %(since)s;

-- name: contradicted
-- Return, for each gateway, the number of contradicted messages (motcua.receipt_readings, motcua.attempts). A message
-- is contradicted if the gateway refused it in its answer, but a later delivery receipt says that it was accepted or
-- delivered. Of the last thousand receipts, those read since a time count. The result also has the number of these
-- messages that another attempt may have delivered too, and the time at which the last of the receipts was read.
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
-- Return how many messages recorded in [start, end) a gateway accepted, and how many reached a phone (motcua.messages).
-- Replies are left out because they have no delivery receipts.
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
-- Return the number of messages whose outcome has been unknown since before a time and that are still useful, and since
-- when the first of them has been unknown (motcua.messages). The parameter agencies limits the result to some agencies;
-- NULL means all.
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
-- Return the enabled agencies that need a record of this evening's planning of apologies and have none
-- (motcua.agencies, motcua.apology_evenings). Each row has the agency in charge, whose calendar counts, and the
-- last due day that an earlier evening covers.
SELECT
    g.agency_code,
    g.apology_day,
    n.in_charge,
    (
        SELECT max(e.last_due) FROM motcua.apology_evenings AS e
        WHERE e.agency_code = g.agency_code AND e.day < %(day)s
    ) AS covered_until
FROM motcua.agencies AS g
INNER JOIN motcua.agencies_on(%(day)s::date) AS n ON g.agency_code = n.agency_code
WHERE
    g.enabled_from <= %(evening_at)s
    -- The order makes PostgreSQL read only the dossiers of this agency, through an index. Otherwise it would read the
    -- dossiers of all other agencies to find that an agency has none.
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
-- Return whether the data quality of a day was checked, and whether the figures of a period were counted and stored
-- (motcua.quality_runs, motcua.closings).
SELECT
    exists(
        SELECT 1 FROM motcua.quality_runs AS q
        WHERE q.day = %(checked_day)s AND q.sealed_at IS NOT NULL
    ) AS checked,
    exists(SELECT 1 FROM motcua.closings AS c WHERE c.period = %(closed_period)s) AS closed;

-- name: say_alive
-- Write the watch's heartbeat, with the results of its last round and how many of its mails and HTTP posts could not be
-- sent yet (motcua.watch_life).
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
-- Return the last heartbeat of the watch (motcua.watch_life). No row means that it never ran or was retired.
SELECT began_at, looked_at, looks, recipients, unsent, unsent_since
FROM motcua.watch_life;

-- name: retire
-- Retire the watch, so that its missing heartbeat raises no alert (motcua.watch_life).
DELETE FROM motcua.watch_life;

-- name: save_alert
-- Insert or update an alert of the watch (motcua.alerts). An acknowledgement that the ledger has already is not
-- changed.
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
-- End the alerts that are open in the ledger and unknown to the watch, for example in a restored ledger
-- (motcua.alerts).
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
-- Return the open alerts, and the alerts that ended after a time, the newest first (motcua.alerts).
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
-- Acknowledge the open alerts with a name, for one subject or all (motcua.alerts). An alert that was acknowledged
-- before is not changed.
UPDATE motcua.alerts
SET acknowledged_at = %(now)s, acknowledged_by = %(by)s
WHERE
    over_at IS NULL
    AND acknowledged_at IS NULL
    AND name = %(name)s
    AND coalesce(subject = %(subject)s::text, TRUE)
RETURNING name, subject, raised_at;
