-- The accounting identity by agency, procedure and kind: how many occasions should have reached a citizen, counted
-- anew from the transitions with window functions (no code shared with planning), against the messages in each state.
-- Of replies there must be one for each inquiry. With a period: of what was recorded in [start, end). "difference" must
-- be zero in every row. Called by store/accounting.py.
WITH steps AS (
    SELECT
        t.dossier_id,
        t.outcome,
        t.occurred_at,
        t.recorded_at,
        CASE
            WHEN t.at_one_stop_desk AND t.status_code = 9 THEN 'result'
            WHEN t.at_one_stop_desk AND t.status_code = 5 THEN 'supplement'
        END AS kind,
        lag(CASE
            WHEN t.at_one_stop_desk AND t.status_code = 9 THEN 'result'
            WHEN t.at_one_stop_desk AND t.status_code = 5 THEN 'supplement'
        END) OVER w AS kind_before
    FROM motcua.transitions AS t
    WHERE t.planned_at IS NOT NULL
    WINDOW w AS (PARTITION BY t.dossier_id ORDER BY t.sequence, t.from_row, t.transition_id)
),

occasions AS (
    SELECT
        d.agency_code,
        coalesce(d.procedure_code, '') AS procedure_code,
        s.kind,
        count(*) AS expected
    FROM steps AS s
    INNER JOIN motcua.dossiers AS d ON s.dossier_id = d.dossier_id
    WHERE
        s.kind IS NOT NULL
        AND s.kind IS DISTINCT FROM s.kind_before
        AND s.outcome <> 'out_of_scope'
        AND (%(start)s::timestamptz IS NULL OR (s.recorded_at >= %(start)s AND s.recorded_at < %(end)s))
    GROUP BY d.agency_code, d.procedure_code, s.kind
    UNION ALL
    SELECT
        coalesce(i.agency_code, '') AS agency_code,
        coalesce(d.procedure_code, '') AS procedure_code,
        'reply' AS kind,
        count(*) AS expected
    FROM motcua.inquiries AS i
    LEFT JOIN motcua.dossiers AS d ON i.dossier_id = d.dossier_id
    WHERE %(start)s::timestamptz IS NULL OR (i.received_at >= %(start)s AND i.received_at < %(end)s)
    GROUP BY i.agency_code, d.procedure_code
),

states AS (
    SELECT
        coalesce(m.agency_code, '') AS agency_code,
        coalesce(d.procedure_code, '') AS procedure_code,
        m.kind,
        count(*) FILTER (WHERE m.state = 'suppressed') AS suppressed,
        count(*) FILTER (WHERE m.state = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE m.state = 'expired') AS expired,
        count(*) FILTER (WHERE m.state = 'queued') AS queued,
        count(*) FILTER (WHERE m.state = 'sending') AS sending,
        count(*) FILTER (WHERE m.state = 'unknown') AS unknown,
        count(*) FILTER (WHERE m.state = 'rejected') AS rejected,
        count(*) FILTER (WHERE m.state = 'accepted') AS accepted,
        count(*) FILTER (WHERE m.state = 'delivered') AS delivered,
        count(*) FILTER (WHERE m.state = 'undelivered') AS undelivered,
        count(*) FILTER (WHERE m.state = 'unconfirmed') AS unconfirmed
    FROM motcua.messages AS m
    LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
    WHERE
        m.kind IN ('result', 'supplement', 'reply')
        AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
    GROUP BY m.agency_code, d.procedure_code, m.kind
)

SELECT
    coalesce(o.agency_code, s.agency_code) AS agency_code,
    coalesce(o.procedure_code, s.procedure_code) AS procedure_code,
    coalesce(o.kind, s.kind) AS kind,
    coalesce(o.expected, 0) AS expected,
    coalesce(s.suppressed, 0) AS suppressed,
    coalesce(s.cancelled, 0) AS cancelled,
    coalesce(s.expired, 0) AS expired,
    coalesce(s.queued, 0) AS queued,
    coalesce(s.sending, 0) AS sending,
    coalesce(s.unknown, 0) AS unknown,
    coalesce(s.rejected, 0) AS rejected,
    coalesce(s.accepted, 0) AS accepted,
    coalesce(s.delivered, 0) AS delivered,
    coalesce(s.undelivered, 0) AS undelivered,
    coalesce(s.unconfirmed, 0) AS unconfirmed,
    coalesce(o.expected, 0) - coalesce(
        s.suppressed
        + s.cancelled
        + s.expired
        + s.queued
        + s.sending
        + s.unknown
        + s.rejected
        + s.accepted
        + s.delivered
        + s.undelivered + s.unconfirmed, 0
    ) AS difference
FROM occasions AS o
FULL JOIN states AS s
    ON o.agency_code = s.agency_code AND o.procedure_code = s.procedure_code AND o.kind = s.kind
ORDER BY 1, 2, 3
