-- Messages of [start, end) as they stood at the cut-off, in one pass over them. Of a state: how many there are by
-- agency, procedure, kind, state and reason, with the SMS segments of those that a gateway took. Without a state, of
-- those that were delivered: how many, and whole seconds from the source's recording to delivery, median and 95th
-- percentile by nearest rank, by agency, procedure and kind, by agency and kind, and by kind. Called by
-- store/oversight/closings.py.
WITH as_they_stand AS (
    -- All in their present states, the few that moved since among them: grouped so, ten million take a third less.
    -- How few groups there are PostgreSQL knows of the statistics motcua.messages_cells, whose columns these are.
    SELECT
        m.agency_code,
        m.procedure_code,
        m.kind,
        m.state,
        m.reason,
        CASE
            WHEN m.state = 'delivered'
                THEN greatest(floor(date_part('epoch', m.changed_at - m.recorded_at)), 0)::integer
        END AS seconds,
        count(*) AS messages,
        sum(m.segments) AS segments
    FROM audit.messages AS m
    WHERE m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    GROUP BY m.agency_code, m.procedure_code, m.kind, m.state, m.reason, 6
),

moved AS (
    -- Those that moved since: taken out as they are now, and put in as they stood.
    SELECT
        m.agency_code,
        m.procedure_code,
        m.kind,
        m.state,
        m.reason,
        m.changed_at AS moved_at,
        m.recorded_at,
        -1 AS messages,
        -m.segments AS segments
    FROM audit.messages AS m
    WHERE m.message_id IN (SELECT h.message_id FROM audit.message_history AS h WHERE h.history_id > %(known_history)s)
    UNION ALL
    SELECT
        s.agency_code,
        s.procedure_code,
        s.kind,
        s.state,
        s.reason,
        s.moved_at,
        s.recorded_at,
        1 AS messages,
        s.segments
    FROM audit.moved_since(%(known_history)s) AS s
),

cells AS MATERIALIZED (
    SELECT
        coalesce(u.agency_code, '') AS agency_code,
        coalesce(u.procedure_code, '') AS procedure_code,
        u.kind,
        u.state,
        coalesce(u.reason, '') AS reason,
        u.seconds,
        sum(u.messages) AS messages,
        sum(u.segments) AS segments
    FROM (
        SELECT * FROM as_they_stand
        UNION ALL
        SELECT
            m.agency_code,
            m.procedure_code,
            m.kind,
            m.state,
            m.reason,
            CASE
                WHEN m.state = 'delivered'
                    THEN greatest(floor(date_part('epoch', m.moved_at - m.recorded_at)), 0)::integer
            END AS seconds,
            m.messages,
            m.segments
        FROM moved AS m
        WHERE m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    ) AS u
    GROUP BY 1, 2, u.kind, u.state, 5, u.seconds
    HAVING sum(u.messages) <> 0
),

summed AS (
    SELECT
        c.agency_code,
        c.procedure_code,
        c.kind,
        c.seconds,
        sum(c.messages) AS messages
    FROM cells AS c
    WHERE c.state = 'delivered'
    GROUP BY GROUPING SETS (
        (c.agency_code, c.procedure_code, c.kind, c.seconds), (c.agency_code, c.kind, c.seconds), (c.kind, c.seconds)
    )
),

ranked AS (
    SELECT
        u.*,
        sum(u.messages) OVER (PARTITION BY u.agency_code, u.procedure_code, u.kind ORDER BY u.seconds) AS up_to,
        sum(u.messages) OVER (PARTITION BY u.agency_code, u.procedure_code, u.kind) AS of_all
    FROM summed AS u
)

SELECT
    c.agency_code,
    c.procedure_code,
    c.kind,
    c.state,
    c.reason,
    sum(c.messages)::bigint AS messages,
    coalesce(
        sum(c.segments) FILTER (WHERE c.state IN ('accepted', 'delivered', 'undelivered', 'unconfirmed')), 0
    )::bigint AS segments,
    NULL::integer AS delivered,
    NULL::integer AS median_seconds,
    NULL::integer AS p95_seconds
FROM cells AS c
GROUP BY c.agency_code, c.procedure_code, c.kind, c.state, c.reason
UNION ALL
SELECT
    r.agency_code,
    r.procedure_code,
    r.kind,
    NULL AS state,
    NULL AS reason,
    NULL::bigint AS messages,
    NULL::bigint AS segments,
    max(r.of_all)::integer AS delivered,
    min(r.seconds) FILTER (WHERE r.up_to * 2 >= r.of_all) AS median_seconds,
    min(r.seconds) FILTER (WHERE r.up_to * 100 >= r.of_all * 95) AS p95_seconds
FROM ranked AS r
GROUP BY r.agency_code, r.procedure_code, r.kind
ORDER BY state NULLS LAST, agency_code NULLS FIRST, procedure_code NULLS FIRST, kind
