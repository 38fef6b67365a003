-- Store and end stops, and put the messages that a stop covers on hold until it ends. A stop is an order not to send
-- messages of a kind or an agency for some time. Called by store/notices/stops.py.

-- name: save
-- Insert a stop, which is in force when this transaction commits (motcua.stops).
INSERT INTO motcua.stops (kind, agency_code, stopped_at, until, stopped_by, reason)
VALUES (%(kind)s, %(agency_code)s, %(stopped_at)s, %(until)s, %(stopped_by)s, %(reason)s)
RETURNING stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by;

-- name: stopped_until
-- Return until when messages of a kind and an agency are stopped (motcua.stopped_until).
SELECT motcua.stopped_until(%(kind)s, %(agency_code)s, %(now)s) AS until;

-- name: find_due
-- Return due messages that a stop covers and that no sender has put on hold yet (motcua.messages).
SELECT message_id
FROM motcua.messages
WHERE
    state = 'queued'
    AND next_attempt_at <= %(now)s
    AND motcua.stopped_until(kind, agency_code, %(now)s) IS NOT NULL
ORDER BY next_attempt_at, message_id
LIMIT %(limit)s;

-- name: set_aside
-- Put messages on hold that a stop covers, until the stop ends, so that no sender claims them again and again
-- (motcua.messages). A transaction that ends a stop waits for this SQL statement. A message is therefore put on hold
-- only for a stop that is in force.
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
-- End a stop early and make the messages that waited for it due, and return their number (motcua.end_stop). NULL means
-- that the stop is not in force.
SELECT motcua.end_stop(%(stop_id)s::bigint, %(ended_by)s::text, %(now)s::timestamptz) AS gone;

-- name: find
-- Return a stop by its number, whether it is in force or not (motcua.stops). No row means that the stop does not exist.
SELECT stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by
FROM motcua.stops
WHERE stop_id = %(stop_id)s;

-- name: would_wait
-- Return how many queued messages a stop would put on hold, by agency and kind (motcua.messages).
SELECT m.agency_code, m.kind, count(*) AS messages
FROM motcua.messages AS m
WHERE
    m.state = 'queued'
    AND (%(kind)s::text IS NULL OR m.kind = %(kind)s)
    AND (%(agency_code)s::text IS NULL OR m.agency_code = %(agency_code)s)
GROUP BY m.agency_code, m.kind
ORDER BY m.agency_code, m.kind;

-- name: list
-- Return stops, the newest first: the stops in force, or all stops up to a limit (motcua.stops).
SELECT stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by
FROM motcua.stops
WHERE %(in_force_at)s::timestamptz IS NULL OR (until > %(in_force_at)s AND ended_at IS NULL)
ORDER BY stop_id DESC
LIMIT %(limit)s;

-- name: waiting
-- Return how many messages wait for stops, by agency and kind, with the end of the wait and the earliest time at which
-- one of them is no longer useful (motcua.messages). Due messages that a sender has not put on hold yet count too. The
-- function stopped_until is called once for each agency and kind (OFFSET 0), because thousands of messages may wait.
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
-- Return by agency, kind and version of the template how many messages were sent to a gateway between two times
-- (motcua.attempts). The result also has how many of them a gateway accepted, how many were delivered, and how many
-- have an unknown outcome.
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
-- Insert the stops that were in force within a closing's period (motcua.closing_stops). A closing is the stored figures
-- of a finished period. Only facts up to its cut-off (as_of) count.
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
-- Return the stops that were stored for a closing (audit.closing_stops).
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
