-- Count the figures of a closing (the stored figures of a finished period), and return the rows behind a figure. Only
-- rows that the ledger had at the closing's cut-off are used: parameters such as known_history are the largest row
-- numbers of that time. Called by store/oversight/closings.py and store/oversight/figure_rows.py.

-- name: more_memory
-- Give the SQL statements of this transaction enough memory for grouping rows (work_mem).
SELECT set_config('work_mem', '256MB', TRUE), set_config('hash_mem_multiplier', '2', TRUE);

-- name: scopes
-- Return every code by which a source may name an agency, and the time from which citizens are texted about the
-- agency's dossiers (motcua.agency_scopes).
SELECT
    written,
    enabled_from
FROM motcua.agency_scopes;

-- name: broken_histories
-- Return the messages of [start, end) whose history has a gap or does not end in the message's present state
-- (motcua.message_history). A gap means that somebody removed or changed a row of the history.
SELECT x.message_id
FROM (
    SELECT
        m.message_id,
        m.state,
        h.to_state,
        (h.from_state IS DISTINCT FROM lag(h.to_state) OVER w) AS is_gap,
        (lead(h.history_id) OVER w IS NULL) AS is_last
    FROM audit.messages AS m
    LEFT JOIN audit.message_history AS h ON m.message_id = h.message_id
    WHERE m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    WINDOW w AS (PARTITION BY m.message_id ORDER BY h.history_id)
) AS x
WHERE x.is_gap OR (x.is_last AND x.to_state IS DISTINCT FROM x.state)
GROUP BY x.message_id
ORDER BY x.message_id
LIMIT %(limit)s;

-- name: count_messages
-- Count the messages of [start, end) in their states at the cut-off, in one pass (audit.messages,
-- audit.message_history). Rows with a state hold the number of messages by agency, procedure, kind, state and reason,
-- and the SMS segments of the messages that a gateway accepted. Rows without a state hold the delivered messages: their
-- number, and the median and 95th percentile (nearest rank) of the seconds from the source's recording to the delivery.
-- These rows are by agency, procedure and kind, by agency and kind, and by kind.
WITH as_they_stand AS (
    -- All messages are grouped by their present states first, and the few messages whose state changed after the
    -- cut-off are corrected below. For ten million messages this takes a third less time. PostgreSQL knows the small
    -- number of groups from the statistics motcua.messages_cells, which has the columns of this GROUP BY.
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
    -- Messages whose state changed after the cut-off are subtracted in their present state and added in their state at
    -- the cut-off.
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
ORDER BY state NULLS LAST, agency_code NULLS FIRST, procedure_code NULLS FIRST, kind;

-- name: count_channels
-- Count the messages of [start, end) that a gateway had accepted at the cut-off, by agency, kind, gateway and carrier
-- (audit.messages_as_of, audit.attempts). Each row has the number of messages, the units that the gateway bills, and
-- the SMS segments as planned. A message belongs to the gateway of its last attempt. A reply has no attempt and belongs
-- to the gateway through which the citizen's question came (audit.inquiries).
SELECT
    m.agency_code,
    m.kind,
    coalesce(a.gateway, i.gateway, '') AS gateway,
    coalesce(a.unit, 'segment') AS billed_unit,
    coalesce(a.carrier, '') AS carrier,
    count(*)::integer AS taken,
    sum(coalesce(a.segments, m.segments))::integer AS units,
    sum(m.segments)::integer AS segments
FROM audit.messages_as_of(%(known_history)s) AS m
LEFT JOIN LATERAL (
    SELECT
        t.gateway,
        t.unit,
        t.carrier,
        t.segments
    FROM audit.attempts AS t
    WHERE t.message_id = m.message_id AND t.attempt_id <= %(known_attempt)s
    ORDER BY t.attempt_id DESC
    LIMIT 1
) AS a ON TRUE
LEFT JOIN (
    SELECT
        q.message_id,
        min(q.gateway) AS gateway
    FROM audit.inquiries AS q
    WHERE q.received_at >= %(start)s AND q.received_at < %(end)s
    GROUP BY q.message_id
) AS i ON m.message_id = i.message_id
WHERE
    m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    AND m.state IN ('accepted', 'delivered', 'undelivered', 'unconfirmed')
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5;

-- name: message_moves
-- Return why messages of [start, end) had another state at a later cut-off than at an earlier one: each cause once for
-- each agency, procedure and kind (audit.message_history).
WITH moves AS (
    SELECT
        h.message_id,
        (array_agg(h.from_state ORDER BY h.history_id))[1] AS was,
        (array_agg(h.to_state ORDER BY h.history_id DESC))[1] AS became,
        bool_or(h.from_state IS NULL) AS is_new
    FROM audit.message_history AS h
    WHERE h.history_id > %(before)s AND h.history_id <= %(after)s
    GROUP BY h.message_id
),

causes AS (
    SELECT
        m.agency_code,
        m.procedure_code,
        m.kind,
        CASE
            WHEN v.is_new THEN 'picked_up_late'
            WHEN EXISTS (
                SELECT 1 FROM audit.receipts AS r
                INNER JOIN audit.attempts AS a ON r.attempt_id = a.attempt_id
                WHERE a.message_id = m.message_id AND r.receipt_id > %(before_receipt)s AND r.effect = 'applied'
            ) THEN 'late_receipt'
            WHEN v.was IN ('unknown', 'accepted', 'unconfirmed') THEN 'settled_later'
            WHEN v.was IN ('queued', 'sending') THEN 'sent_later'
            ELSE 'reopened'
        END AS cause
    FROM moves AS v
    INNER JOIN audit.messages AS m ON v.message_id = m.message_id
    WHERE
        m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
        AND (v.is_new OR v.was <> v.became)
)

SELECT DISTINCT
    coalesce(c.agency_code, '') AS agency_code,
    coalesce(c.procedure_code, '') AS procedure_code,
    c.kind,
    c.cause
FROM causes AS c;

-- name: count_dossiers
-- Count the dossiers of [start, end) by agency and procedure, as they had been read by the cut-off
-- (audit.dossiers_in_period, which defines each figure). A dossier's dates decide whether it counts as received, as
-- resolved (result released, handed over or withdrawn) and as handed over. The dossier's row at the end of the period
-- decides the due day, and whether the dossier is in progress or paused. Days are in Vietnam's time zone.
SELECT
    d.agency_code,
    d.procedure_code,
    count(*) FILTER (WHERE d.carried_over) AS carried_over,
    count(*) FILTER (WHERE d.received) AS received,
    count(*) FILTER (WHERE d.received_online) AS received_online,
    count(*) FILTER (WHERE d.received_postal) AS received_postal,
    count(*) FILTER (WHERE d.resolved_early) AS resolved_early,
    count(*) FILTER (WHERE d.resolved_on_time) AS resolved_on_time,
    count(*) FILTER (WHERE d.resolved_late) AS resolved_late,
    count(*) FILTER (WHERE d.resolved_without_due) AS resolved_without_due,
    count(*) FILTER (WHERE d.withdrawn) AS withdrawn,
    count(*) FILTER (WHERE d.open_in_time) AS open_in_time,
    count(*) FILTER (WHERE d.open_late) AS open_late,
    count(*) FILTER (WHERE d.paused_in_time) AS paused_in_time,
    count(*) FILTER (WHERE d.paused_late) AS paused_late,
    count(*) FILTER (WHERE d.due) AS due,
    count(*) FILTER (WHERE d.handed_over) AS handed_over
FROM audit.dossiers_in_period(%(known_version)s, %(start)s, %(end)s) AS d
GROUP BY d.agency_code, d.procedure_code
ORDER BY d.agency_code, d.procedure_code;

-- name: count_inquiries
-- Count the questions that citizens texted to the short number 9029 in [start, end) and that the ledger had at the
-- cut-off, and sum up their fees, by agency and procedure (audit.inquiries).
SELECT
    coalesce(i.agency_code, '') AS agency_code,
    coalesce(m.procedure_code, '') AS procedure_code,
    count(*) AS inquiries,
    coalesce(sum(i.fee), 0) AS fees,
    count(*) FILTER (WHERE i.told_result) AS told_without_result
FROM audit.inquiries AS i
LEFT JOIN audit.messages AS m ON i.message_id = m.message_id
WHERE i.received_at >= %(start)s AND i.received_at < %(end)s AND i.inquiry_id <= %(known_inquiry)s
GROUP BY 1, 2;

-- name: count_findings
-- Count the faults (findings) that the last completed check of data quality before the cut-off found, by agency
-- (audit.quality_counts). Checks after the day that follows the period, and acknowledged findings, are left out.
SELECT
    c.agency_code,
    sum(c.found - c.acknowledged) AS findings_open
FROM audit.quality_counts AS c
WHERE
    c.agency_code IS NOT NULL
    AND c.run_no = (
        SELECT max(r.run_no) FROM audit.quality_runs AS r
        WHERE
            r.sealed_at IS NOT NULL AND r.day <= %(last_day)s::date + 1 AND r.as_of <= %(as_of)s
            -- Closings that were stored before the column known_quality_run existed have no value in it. For them,
            -- every check before the cut-off counts.
            AND r.run_no <= coalesce(%(known_quality_run)s::bigint, r.run_no)
    )
GROUP BY c.agency_code;

-- name: find_orphans
-- Return the orphans of [start, end), which are rows without a counterpart at the cut-off: messages without a dossier,
-- delivery receipts that name no attempt, and results that were handed over although no message announced them
-- (audit.messages_as_of, audit.receipts, audit.dossiers_as_of). The result is the same whenever the query runs. For
-- each agency, the query uses the value of enabled_from (since when citizens are texted) that was set when the closing
-- was stored, or the present value if the closing is not stored yet.
WITH joined AS (
    SELECT
        g.agency_code,
        CASE
            WHEN c.change_id IS NULL THEN g.enabled_from
            ELSE (c.before ->> 'enabled_from')::timestamptz
        END AS enabled_from
    FROM audit.agencies AS g
    LEFT JOIN (
        SELECT DISTINCT ON (a.agency_code)
            a.agency_code,
            a.change_id,
            a.before
        FROM audit.agency_changes AS a
        WHERE a.changed_at > %(closed_at)s::timestamptz
        ORDER BY a.agency_code, a.change_id
    ) AS c ON g.agency_code = c.agency_code
)

SELECT
    'message_without_dossier' AS sort,
    m.agency_code,
    m.procedure_code,
    NULL AS dossier_code,
    m.message_id,
    NULL::bigint AS receipt_id,
    m.recorded_at AS happened_at
FROM audit.messages_as_of(%(known_history)s) AS m
LEFT JOIN audit.dossiers AS d ON m.dossier_id = d.dossier_id
WHERE
    m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    AND (m.kind <> 'reply' OR m.dossier_id IS NOT NULL) AND d.dossier_id IS NULL
UNION ALL
SELECT
    'receipt_without_attempt' AS sort,
    '' AS agency_code,
    '' AS procedure_code,
    NULL AS dossier_code,
    NULL::bigint AS message_id,
    r.receipt_id,
    r.received_at AS happened_at
FROM audit.receipts AS r
WHERE
    r.received_at >= %(start)s AND r.received_at < %(end)s AND r.receipt_id <= %(known_receipt)s
    AND NOT EXISTS (
        SELECT 1 FROM audit.attempts AS a
        WHERE a.reference = r.reference AND a.gateway = r.gateway
    )
UNION ALL
SELECT
    'handed_over_untold' AS sort,
    d.agency_code,
    d.procedure_code,
    d.dossier_code,
    NULL::bigint AS message_id,
    NULL::bigint AS receipt_id,
    d.returned_at AS happened_at
FROM audit.dossiers_as_of(%(known_version)s) AS d
INNER JOIN joined AS g ON d.agency_code = g.agency_code
WHERE
    d.returned_at >= %(start)s AND d.returned_at < %(end)s AND d.returned_at >= g.enabled_from
    AND NOT EXISTS (
        SELECT 1 FROM audit.messages AS m
        WHERE m.dossier_id = d.dossier_id AND m.kind = 'result' AND m.message_id <= %(known_message)s
    )
ORDER BY sort, agency_code, happened_at, dossier_code, receipt_id;

-- name: messages_of_figure
-- Return the messages of a closing that were in one of these states at the cut-off, for one or all agencies,
-- procedures, kinds and reasons, the oldest first, with the number of all such messages (audit.messages_as_of).
SELECT
    m.message_id,
    d.dossier_code,
    m.agency_code,
    m.procedure_code,
    m.kind,
    m.state,
    coalesce(m.reason, '') AS reason,
    m.recorded_at,
    m.moved_at,
    count(*) OVER () AS all_rows
FROM audit.messages_as_of(%(known_history)s) AS m
LEFT JOIN audit.dossiers AS d ON m.dossier_id = d.dossier_id
WHERE
    m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    AND m.state = any(%(states)s)
    AND coalesce(m.agency_code = %(agency_code)s, %(agency_code)s::text IS NULL)
    AND coalesce(m.procedure_code = %(procedure_code)s, %(procedure_code)s::text IS NULL)
    AND coalesce(m.kind = %(kind)s, %(kind)s::text IS NULL)
    AND coalesce(coalesce(m.reason, '') = %(reason)s, %(reason)s::text IS NULL)
ORDER BY m.recorded_at, m.message_id
LIMIT %(limit)s;

-- name: dossiers_of_figure
-- Return the dossiers that a closing counts in one of these figures, for one or all agencies and procedures, the
-- longest overdue first, with the number of all such dossiers (audit.dossiers_in_period). A figure is a JSON object
-- such as {"resolved_late": true}.
SELECT
    d.dossier_code,
    d.agency_code,
    d.procedure_code,
    d.received_at,
    d.due_at,
    d.resolved_at,
    d.returned_at,
    count(*) OVER () AS all_rows
FROM audit.dossiers_in_period(%(known_version)s, %(start)s, %(end)s, %(agency_code)s) AS d
WHERE
    coalesce(d.procedure_code = %(procedure_code)s, %(procedure_code)s::text IS NULL)
    AND to_jsonb(d) @> any(%(figures)s::jsonb[])
ORDER BY d.due_at NULLS LAST, d.received_at, d.dossier_code, d.dossier_id
LIMIT %(limit)s;
