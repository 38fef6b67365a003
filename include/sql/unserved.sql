-- Find work that is due and that no process does. Called by store/watching/watch.py.

-- name: gateways
-- Return the given gateways with the values that senders last found in their connections (motcua.gateways,
-- motcua.gateway_changes). is_broken: the gateway cannot be used. started_at: when a pause of the gateway or of a part
-- of it last ended. Only the newest hundred rows of gateway_changes are read.
SELECT
    n.name,
    g.carriers,
    g.fault IS NOT NULL AS is_broken,
    g.segments_per_second AS per_second,
    g.segments_per_day IS NOT NULL AS has_day,
    (
        SELECT max(c.changed_at)
        FROM (
            SELECT h.gateway, h.change, h.changed_at
            FROM motcua.gateway_changes AS h
            ORDER BY h.change_id DESC
            LIMIT 100
        ) AS c
        WHERE c.gateway = n.name AND c.change = 'started' AND c.changed_at <= %(now)s
    ) AS started_at
FROM unnest(%(gateways)s::text[]) WITH ORDINALITY AS n (name, place)
LEFT JOIN motcua.gateways AS g ON n.name = g.name
ORDER BY n.place;

-- name: messages
-- Return the carriers whose due messages no sender handles (motcua.messages, motcua.attempts). Each row has the
-- carrier's first gateway (the one for its new messages), the alert about the pause of this gateway (held_by, empty
-- without a pause), the time since which messages wait, and the number of these messages, counted up to fifty. The
-- query examines two messages of each carrier: among the forty that were due first, the first one that could be sent;
-- and among the forty that became due last by due_by, the last one that could be sent. Such a message is handled if a
-- gateway that may send it works. A gateway works if a sender began an attempt through it after ways.since, which the
-- caller gives, for a message that became due before the examined one. The attempt must have been answered, or must be
-- in flight while the gateway is not paused. Of the newest thousand attempts, the query reads twenty of each gateway.
-- It also reads fifty attempts in flight. If all thousand began after ways.since, older attempts may be missing. The
-- first gateway then also works if it is not paused and may get its next message only at a time (gateways.free_at, set
-- if it has a limit per second) after ways.since. The query returns nothing while a gap (a time of which the ledger may
-- lack data) holds all messages, or if a gap was closed after due_by.
WITH ways AS MATERIALIZED (
    SELECT
        w.carrier,
        w.gateway,
        w.is_first,
        w.held_by,
        w.since,
        w.place
    FROM
        unnest(
            %(carriers)s::text[], %(gateways)s::text[], %(firsts)s::boolean[], %(held_by)s::text[],
            %(since)s::timestamptz[]
        ) WITH ORDINALITY AS w (carrier, gateway, is_first, held_by, since, place)
),

stopped AS MATERIALIZED (
    SELECT t.kind, t.agency_code FROM motcua.stops AS t
    WHERE t.until > %(due_by)s AND t.ended_at IS NULL
),

ends AS MATERIALIZED (
    SELECT
        c.carrier,
        e.message_id,
        e.next_attempt_at,
        e.avoid
    FROM (SELECT DISTINCT w.carrier FROM ways AS w) AS c
    CROSS JOIN (VALUES (FALSE), (TRUE)) AS o (from_last)
    CROSS JOIN
        LATERAL (
            SELECT f.message_id, f.next_attempt_at, f.avoid
            FROM (
                (
                    SELECT q.message_id, q.next_attempt_at, q.avoid, q.kind, q.agency_code, q.useful_until
                    FROM motcua.messages AS q
                    WHERE
                        NOT o.from_last
                        AND q.state = 'queued'
                        AND coalesce(q.carrier, '') = c.carrier
                        AND q.next_attempt_at <= %(due_by)s
                        AND (%(start)s::timestamptz IS NULL OR (q.recorded_at >= %(start)s AND q.recorded_at < %(end)s))
                    ORDER BY q.next_attempt_at, q.message_id
                    LIMIT 40
                )
                UNION ALL
                (
                    SELECT q.message_id, q.next_attempt_at, q.avoid, q.kind, q.agency_code, q.useful_until
                    FROM motcua.messages AS q
                    WHERE
                        o.from_last
                        AND q.state = 'queued'
                        AND coalesce(q.carrier, '') = c.carrier
                        AND q.next_attempt_at <= %(due_by)s
                        AND (%(start)s::timestamptz IS NULL OR (q.recorded_at >= %(start)s AND q.recorded_at < %(end)s))
                    ORDER BY q.next_attempt_at DESC, q.message_id DESC
                    LIMIT 40
                )
            ) AS f
            WHERE
                f.useful_until > %(now)s
                AND NOT f.kind = any(%(resting)s::text[])
                AND NOT EXISTS (
                    SELECT 1 FROM stopped AS s
                    WHERE
                        (s.kind IS NULL OR s.kind = f.kind)
                        AND (s.agency_code IS NULL OR s.agency_code = f.agency_code)
                )
                AND EXISTS (
                    SELECT 1 FROM ways AS w
                    WHERE
                        w.carrier = c.carrier
                        AND CASE WHEN f.avoid = '{}' THEN w.is_first ELSE NOT w.gateway = any(f.avoid) END
                )
                AND 0 = (
                    SELECT count(*) FROM motcua.attempts AS a
                    WHERE
                        a.message_id = f.message_id AND a.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
                        AND NOT a.released
                )
            -- From each end of the queue, only the first message that meets the conditions is taken, so that PostgreSQL
            -- reads no more rows than necessary.
            LIMIT 1  -- noqa: AM09
        ) AS e
    -- Messages that a gap held are due only from the time at which the gap was closed.
    WHERE NOT EXISTS (
        SELECT 1 FROM motcua.gaps AS p
        WHERE (p.closed_at IS NULL AND p.held_until IS NULL) OR p.closed_at > %(due_by)s
    )
),

newest AS MATERIALIZED (
    SELECT a.attempt_id, a.gateway, a.message_id, a.state, a.started_at
    FROM motcua.attempts AS a
    WHERE EXISTS (SELECT 1 FROM ends)
    ORDER BY a.attempt_id DESC
    LIMIT 1000
),

begun AS MATERIALIZED (
    SELECT
        b.gateway,
        b.started_at,
        b.state = 'in_flight' AS is_out,
        m.next_attempt_at,
        m.message_id
    FROM (
        SELECT
            n.*,
            row_number() OVER (PARTITION BY n.gateway ORDER BY n.attempt_id DESC) AS place
        FROM newest AS n
        WHERE n.state IN ('in_flight', 'accepted', 'delivered', 'undelivered', 'rejected')
    ) AS b
    CROSS JOIN
        LATERAL (
            SELECT f.next_attempt_at, f.message_id FROM motcua.messages AS f
            WHERE f.message_id = b.message_id
            LIMIT 1  -- noqa: AM09
        ) AS m
    WHERE b.place <= 20
    UNION ALL
    -- Attempts in flight are added, because the newest thousand attempts may all be of a fast gateway and hide the open
    -- attempts of a slow one.
    SELECT
        o.gateway,
        o.started_at,
        TRUE AS is_out,
        m.next_attempt_at,
        m.message_id
    FROM (
        SELECT a.gateway, a.started_at, a.message_id
        FROM motcua.attempts AS a
        WHERE a.state = 'in_flight' AND EXISTS (SELECT 1 FROM ends)
        ORDER BY a.sender_id
        LIMIT 50
    ) AS o
    CROSS JOIN LATERAL (
        SELECT f.next_attempt_at, f.message_id FROM motcua.messages AS f
        WHERE f.message_id = o.message_id
        LIMIT 1  -- noqa: AM09
    ) AS m
),

reach AS MATERIALIZED (
    SELECT CASE WHEN count(*) = 1000 THEN min(n.started_at) END AS since
    FROM newest AS n
),

unserved AS (
    SELECT
        e.carrier,
        min(e.next_attempt_at) AS since
    FROM ends AS e
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM ways AS w
            INNER JOIN begun AS b ON w.gateway = b.gateway
            WHERE
                w.carrier = e.carrier
                AND CASE WHEN e.avoid = '{}' THEN w.is_first ELSE NOT w.gateway = any(e.avoid) END
                AND b.started_at > w.since
                AND (b.next_attempt_at, b.message_id) < (e.next_attempt_at, e.message_id)
                AND (NOT b.is_out OR w.held_by = '')
        )
        AND NOT EXISTS (
            SELECT 1
            FROM ways AS w
            INNER JOIN motcua.gateways AS g ON w.gateway = g.name
            CROSS JOIN reach AS r
            WHERE w.carrier = e.carrier AND w.is_first AND w.held_by = '' AND g.free_at > w.since AND r.since > w.since
        )
    GROUP BY e.carrier
)

SELECT
    u.carrier,
    w.gateway,
    w.held_by,
    u.since,
    (
        SELECT count(*)
        FROM (
            SELECT 1
            FROM motcua.messages AS q
            WHERE
                q.state = 'queued'
                AND coalesce(q.carrier, '') = u.carrier
                AND q.next_attempt_at BETWEEN u.since AND %(due_by)s
                AND (%(start)s::timestamptz IS NULL OR (q.recorded_at >= %(start)s AND q.recorded_at < %(end)s))
            LIMIT 50  -- noqa: AM09
        ) AS c
    ) AS messages
FROM unserved AS u
INNER JOIN LATERAL (
    SELECT f.gateway, f.held_by FROM ways AS f
    WHERE f.carrier = u.carrier AND f.is_first
    ORDER BY f.place
    LIMIT 1
) AS w ON TRUE
ORDER BY u.carrier;

-- name: steps
-- Return how many steps were read from their source by due_by and are not planned, and when the first of them was read
-- (motcua.transitions). To plan a step is to decide whether it needs a message. Only the hundred unplanned steps with
-- the lowest dossier numbers are read. Dossiers are planned in the order of their numbers: if one of the last twenty
-- steps with lower dossier numbers was planned after due_by, a process is planning, and the result is 0.
WITH waiting AS MATERIALIZED (
    SELECT t.dossier_id, t.picked_up_at
    FROM motcua.transitions AS t
    WHERE
        t.planned_at IS NULL
        AND (%(start)s::timestamptz IS NULL OR (t.recorded_at >= %(start)s AND t.recorded_at < %(end)s))
    ORDER BY t.dossier_id
    LIMIT 100
)

SELECT
    count(*) AS steps,
    min(w.picked_up_at) AS since
FROM waiting AS w
WHERE
    w.picked_up_at <= %(due_by)s
    AND NOT EXISTS (
        SELECT 1
        FROM (
            SELECT p.planned_at
            FROM motcua.transitions AS p
            WHERE p.dossier_id < (SELECT min(f.dossier_id) FROM waiting AS f)
            ORDER BY p.dossier_id DESC
            LIMIT 20
        ) AS b
        WHERE b.planned_at > %(due_by)s
    );
