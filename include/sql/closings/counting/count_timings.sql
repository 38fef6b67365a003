-- Whole seconds from the source's recording to delivery of the messages of [start, end) that were delivered at the
-- cut-off: median and 95th percentile by nearest rank, by agency, procedure and kind, by agency and kind, and by kind.
-- Called by store/oversight/closings.py.
WITH seconds AS (
    SELECT
        m.agency_code,
        m.procedure_code,
        m.kind,
        greatest(floor(date_part('epoch', m.moved_at - m.recorded_at)), 0)::integer AS seconds,
        count(*) AS messages
    FROM audit.messages_as_of(%(known_history)s) AS m
    WHERE m.recorded_at >= %(start)s AND m.recorded_at < %(end)s AND m.state = 'delivered'
    GROUP BY m.agency_code, m.procedure_code, m.kind, 4
),

summed AS (
    SELECT
        s.agency_code,
        s.procedure_code,
        s.kind,
        s.seconds,
        sum(s.messages) AS messages
    FROM seconds AS s
    GROUP BY GROUPING SETS (
        (s.agency_code, s.procedure_code, s.kind, s.seconds), (s.agency_code, s.kind, s.seconds), (s.kind, s.seconds)
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
    r.agency_code,
    r.procedure_code,
    r.kind,
    max(r.of_all)::integer AS delivered,
    min(r.seconds) FILTER (WHERE r.up_to * 2 >= r.of_all) AS median_seconds,
    min(r.seconds) FILTER (WHERE r.up_to * 100 >= r.of_all * 95) AS p95_seconds
FROM ranked AS r
GROUP BY r.agency_code, r.procedure_code, r.kind
ORDER BY r.agency_code NULLS FIRST, r.procedure_code NULLS FIRST, r.kind
