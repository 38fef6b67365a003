-- Stops that people order: what they cover is set aside, and let go when they end. Called by store/notices/stops.py.

-- name: save
-- A stop, in force from its commit on.
INSERT INTO motcua.stops (kind, agency_code, stopped_at, until, stopped_by, reason)
VALUES (%(kind)s, %(agency_code)s, %(stopped_at)s, %(until)s, %(stopped_by)s, %(reason)s)
RETURNING stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by;

-- name: stopped_until
-- Until when messages of a kind and an agency are stopped.
SELECT motcua.stopped_until(%(kind)s, %(agency_code)s, %(now)s) AS until;

-- name: find_due
-- Due messages that a stop covers and that no sender has set aside yet.
SELECT message_id
FROM motcua.messages
WHERE
    state = 'queued'
    AND next_attempt_at <= %(now)s
    AND motcua.stopped_until(kind, agency_code, %(now)s) IS NOT NULL
ORDER BY next_attempt_at, message_id
LIMIT %(limit)s;

-- name: set_aside
-- Sets messages aside that a stop covers: not due before it ends, so that no sender meets them again and again. Whoever
-- ends a stop waits for this: a message is set aside for one that is in force, or stays due.
WITH in_force AS MATERIALIZED (
    SELECT s.kind, s.agency_code, s.until
    FROM motcua.stops AS s
    WHERE s.until > %(now)s AND s.ended_at IS NULL
    ORDER BY s.stop_id
    FOR SHARE
),

waiting AS MATERIALIZED (
    SELECT m.message_id, m.kind, m.agency_code
    FROM motcua.messages AS m
    WHERE m.message_id = any(%(message_ids)s) AND m.state = 'queued'
    ORDER BY m.message_id
    FOR UPDATE SKIP LOCKED
)

UPDATE motcua.messages AS m
SET next_attempt_at = c.until, reason = 'stopped'
FROM (
    SELECT w.message_id, max(s.until) AS until
    FROM waiting AS w
    INNER JOIN in_force AS s
        ON (s.kind IS NULL OR w.kind = s.kind) AND (s.agency_code IS NULL OR w.agency_code = s.agency_code)
    GROUP BY w.message_id
) AS c
WHERE m.message_id = c.message_id
RETURNING m.message_id;

-- name: end
-- Ends a stop early that is in force, and has what waited for it go: how many messages; empty: it is not in force.
SELECT motcua.end_stop(%(stop_id)s::bigint, %(ended_by)s::text, %(now)s::timestamptz) AS gone;

-- name: find
-- A stop by its number, in force or over; no row: there is none.
SELECT stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by
FROM motcua.stops
WHERE stop_id = %(stop_id)s;

-- name: would_wait
-- How many messages are queued that a stop would have wait, by agency and kind.
SELECT m.agency_code, m.kind, count(*) AS messages
FROM motcua.messages AS m
WHERE
    m.state = 'queued'
    AND (%(kind)s::text IS NULL OR m.kind = %(kind)s)
    AND (%(agency_code)s::text IS NULL OR m.agency_code = %(agency_code)s)
GROUP BY m.agency_code, m.kind
ORDER BY m.agency_code, m.kind;

-- name: list
-- Stops, the newest first; those in force alone, or all up to a limit.
SELECT stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by
FROM motcua.stops
WHERE %(in_force_at)s::timestamptz IS NULL OR (until > %(in_force_at)s AND ended_at IS NULL)
ORDER BY stop_id DESC
LIMIT %(limit)s;

-- name: waiting
-- Messages that wait for stops, by agency and kind; with when the first of them is no longer useful. What is due and
-- was not met by a sender yet is among them. Whether they are stopped is asked once an agency and kind (OFFSET 0):
-- thousands may wait.
SELECT
    q.agency_code,
    q.kind,
    s.until,
    q.messages,
    q.useful_until
FROM (
    SELECT
        m.agency_code,
        m.kind,
        count(*) AS messages,
        min(m.useful_until) AS useful_until
    FROM motcua.messages AS m
    WHERE m.state = 'queued' AND (m.reason = 'stopped' OR m.next_attempt_at <= %(now)s)
    GROUP BY m.agency_code, m.kind
    OFFSET 0  -- noqa: AM09
) AS q
CROSS JOIN LATERAL (SELECT motcua.stopped_until(q.kind, q.agency_code, %(now)s) AS until) AS s
WHERE s.until IS NOT NULL
ORDER BY q.agency_code, q.kind;

-- name: went
-- What left for the gateways between two moments, by agency, kind and version of the text: messages, how many of them a
-- gateway took, how many are known to be on the phone, and how many nobody can tell of.
SELECT
    m.agency_code,
    m.kind,
    m.template_id,
    m.template_version,
    count(DISTINCT m.message_id) AS messages,
    count(DISTINCT m.message_id) FILTER (
        WHERE m.state IN ('accepted', 'delivered', 'undelivered', 'unconfirmed')
    ) AS taken,
    count(DISTINCT m.message_id) FILTER (WHERE m.state = 'delivered') AS delivered,
    count(DISTINCT m.message_id) FILTER (WHERE m.state IN ('sending', 'unknown')) AS unknown,
    min(a.started_at) AS first_at,
    max(a.started_at) AS last_at
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE
    a.started_at >= %(start)s
    AND a.started_at < %(end)s
    AND (%(kind)s::text IS NULL OR m.kind = %(kind)s)
    AND (%(agency_code)s::text IS NULL OR m.agency_code = %(agency_code)s)
GROUP BY m.agency_code, m.kind, m.template_id, m.template_version
ORDER BY m.agency_code, m.kind, m.template_id, m.template_version;

-- name: keep_of_closing
-- Keeps with a closing which stops were in force within its period, as they are known at its cut-off.
INSERT INTO motcua.closing_stops (closing_no, stop_id, ended_at)
SELECT
    %(closing_no)s,
    s.stop_id,
    CASE WHEN s.ended_at <= %(as_of)s THEN s.ended_at END
FROM motcua.stops AS s
WHERE
    s.stopped_at <= %(as_of)s
    AND s.stopped_at < %(end)s
    AND coalesce(s.ended_at, s.until) > %(start)s;

-- name: of_closing
-- The stops that a closing knew of.
SELECT
    s.stop_id,
    coalesce(s.agency_code, '') AS agency_code,
    coalesce(s.kind, '') AS kind,
    s.stopped_at,
    s.until,
    c.ended_at,
    s.reason
FROM audit.closing_stops AS c
INNER JOIN audit.stops AS s ON c.stop_id = s.stop_id
WHERE c.closing_no = %(closing_no)s
ORDER BY s.stop_id;
