-- The figures of a closing as the ledger counts them, at its cut-off, and the rows behind a figure. Called by
-- store/oversight/closings.py and store/oversight/figure_rows.py.

-- name: more_memory
-- Lets the statements of this transaction hold their groups in memory.
SELECT set_config('work_mem', '256MB', TRUE), set_config('hash_mem_multiplier', '2', TRUE);

-- name: scopes
-- Every code under which a source may know an agency, and from when on its dossiers are told of.
SELECT
    written,
    enabled_from
FROM motcua.agency_scopes;

-- name: broken_histories
-- Messages of [start, end) whose moves do not join, or do not end in the state that the message has now: somebody took
-- one out or changed one.
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
-- Messages of [start, end) as they stood at the cut-off, in one pass over them. Of a state: how many there are by
-- agency, procedure, kind, state and reason, with the SMS segments of those that a gateway took. Without a state, of
-- those that were delivered: how many, and whole seconds from the source's recording to delivery, median and 95th
-- percentile by nearest rank, by agency, procedure and kind, by agency and kind, and by kind.
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
ORDER BY state NULLS LAST, agency_code NULLS FIRST, procedure_code NULLS FIRST, kind;

-- name: count_channels
-- Messages of [start, end) that a gateway had taken at the cut-off, by agency, kind, gateway and carrier: how many, how
-- much the gateway bills for them in its own unit, and their SMS segments as planned. A message is its last attempt's;
-- a reply, which has none, is the gateway's that brought the inquiry.
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
-- Why messages of [start, end) stand otherwise at one cut-off than at an earlier one, by agency, procedure, kind and
-- cause.
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
-- Dossiers by agency and procedure in [start, end), as they had been read by the cut-off. Received, resolved (result
-- released, handed over or withdrawn) and handed over go by their dates; the appointed day, and whether the clock runs,
-- are those of the dossier's row at the end of the period. Days are days of Vietnam. What makes a dossier count is
-- audit.dossiers_in_period's to say.
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
-- Texts to 9029 in [start, end) that were known at the cut-off, by agency and procedure.
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
-- Findings of data quality by agency at the last check before the cut-off that was sealed by then, no later than the
-- morning after the period; acknowledged ones are not counted.
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
            -- Closings from before this was kept name none.
            AND r.run_no <= coalesce(%(known_quality_run)s::bigint, r.run_no)
    )
GROUP BY c.agency_code;

-- name: find_orphans
-- What belongs to nothing in [start, end), by the cut-off: messages about no dossier, receipts that name no attempt of
-- ours, and results handed to citizens whom no message told. It says the same whenever it is asked: whether a receipt
-- had been read by then does not matter, and an agency's beginning is what it was when the closing was stored, or what
-- it is where none is yet.
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
-- The messages of a closing that stood in any of these states at its cut-off, of one agency, procedure, kind and reason
-- or of all, the oldest first, up to a limit, each with how many there are.
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
-- The dossiers that a closing counts in any of these figures (JSON objects such as {"resolved_late": true}), of one
-- agency and procedure or of all, the longest overdue first, up to a limit, each with how many there are.
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
