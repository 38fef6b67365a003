-- Check from the ledger's own facts that every occasion has one message in one state, and measure how long it took
-- until a gateway accepted a message. An occasion is the event that a message is about, such as a dossier that reaches
-- its result. Called by store/oversight/accounting.py.

-- name: identity
-- Compute the accounting identity by agency, procedure and kind: the number of occasions that need a message, and the
-- number of messages in each state (motcua.transitions, motcua.dossier_versions, motcua.messages). The column
-- "difference" must be zero in every row. The occasions are counted again from the facts, without the code that plans
-- messages. Results and supplements are counted from the transitions: each transition is compared with the one before
-- it. Apologies are planned once each evening, for dossiers that are due on the next days (motcua.apology_evenings). To
-- count the apologies that an evening should have, the query uses the versions of dossiers' rows and the transitions
-- that the ledger had when the apologies were planned, or when they were found to be missed. A dossier counts in the
-- state that it had at 17:30 on that evening. Each inquiry must have one reply. If start and end are given, only events
-- recorded in [start, end) and evenings in this interval count. OFFSET 0 makes PostgreSQL look up dossiers and their
-- histories one by one, whatever numbers of rows the query planner expects. The cost of counting one day therefore
-- depends only on the rows of that day.
WITH steps AS (
    SELECT
        t.dossier_id,
        t.outcome,
        k.kind
    FROM motcua.transitions AS t
    CROSS JOIN LATERAL (SELECT CASE t.status_code WHEN 9 THEN 'result' ELSE 'supplement' END AS kind) AS k
    LEFT JOIN LATERAL (
        SELECT p.status_code, p.at_one_stop_desk
        FROM motcua.transitions AS p
        WHERE
            p.dossier_id = t.dossier_id
            AND p.planned_at IS NOT NULL
            AND (p.sequence, p.from_row, p.transition_id) < (t.sequence, t.from_row, t.transition_id)
        ORDER BY p.sequence DESC, p.from_row DESC, p.transition_id DESC
        LIMIT 1
    ) AS b ON TRUE
    WHERE
        t.planned_at IS NOT NULL
        AND t.at_one_stop_desk
        AND t.status_code IN (5, 9)
        AND coalesce(NOT b.at_one_stop_desk OR b.status_code <> t.status_code, TRUE)
        AND (%(start)s::timestamptz IS NULL OR (t.recorded_at >= %(start)s AND t.recorded_at < %(end)s))
),

-- List each due day whose apologies were planned on an evening that counts, with every evening on which they were
-- planned. A due day has two evenings only if the agency's setting apology_day or its calendar changed.
evening_days AS (
    SELECT
        e.agency_code,
        e.evening_at,
        e.known_transition,
        e.known_version,
        e.first_due + n.days AS due_day
    FROM motcua.apology_evenings AS e
    CROSS JOIN generate_series(0, e.last_due - e.first_due) AS n (days)
    WHERE %(start)s::timestamptz IS NULL
    UNION
    SELECT
        e.agency_code,
        e.evening_at,
        e.known_transition,
        e.known_version,
        p.first_due + n.days AS due_day
    FROM motcua.apology_evenings AS p
    CROSS JOIN unnest(array(SELECT generate_series(0, p.last_due - p.first_due))) AS n (days)
    INNER JOIN motcua.apology_evenings AS e
        ON p.agency_code = e.agency_code AND e.last_due >= p.first_due + n.days AND e.first_due <= p.first_due + n.days
    WHERE p.evening_at >= %(start)s AND p.evening_at < %(end)s
),

seen AS (
    SELECT
        y.*,
        v.dossier_id,
        d.procedure_code
    FROM unnest(array(SELECT DISTINCT e.due_day FROM evening_days AS e)) AS a (due_day)
    INNER JOIN LATERAL (
        SELECT
            r.dossier_id,
            min(r.version_id) AS version_id
        FROM motcua.dossier_versions AS r
        WHERE (r.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = a.due_day
        GROUP BY r.dossier_id
        OFFSET 0  -- noqa: AM09
    ) AS v ON TRUE
    INNER JOIN LATERAL (
        SELECT
            r.agency_code,
            r.procedure_code
        FROM motcua.dossiers AS r
        WHERE r.dossier_id = v.dossier_id
        OFFSET 0  -- noqa: AM09
    ) AS d ON TRUE
    INNER JOIN evening_days AS y ON a.due_day = y.due_day AND d.agency_code = y.agency_code
    WHERE v.version_id <= y.known_version
),

-- Select the version of the dossier's row that was in force on that evening: the last version up to the evening. If all
-- versions are newer than the evening, the first version is selected, but its status is left out.
stood AS (
    SELECT DISTINCT ON (s.dossier_id, s.due_day, s.evening_at)
        s.*,
        v.due_at,
        v.received_at,
        n.is_old,
        CASE WHEN n.is_old THEN v.status_code END AS row_status,
        CASE WHEN n.is_old THEN v.returned_at END AS returned_at,
        CASE WHEN n.is_old THEN v.updated_at END AS row_at
    FROM seen AS s
    INNER JOIN motcua.dossier_versions AS v ON s.dossier_id = v.dossier_id AND s.known_version >= v.version_id
    CROSS JOIN LATERAL (SELECT coalesce(v.updated_at, v.seen_at) <= s.evening_at AS is_old) AS n
    ORDER BY
        s.dossier_id, s.due_day, s.evening_at, n.is_old DESC,
        CASE WHEN n.is_old THEN -v.version_id ELSE v.version_id END
),

owed AS (
    SELECT
        s.agency_code,
        s.procedure_code,
        s.dossier_id,
        s.due_day,
        min(s.evening_at) AS evening_at
    FROM stood AS s
    -- Find the last step that was known on that evening and is not an old step. An old step is one that was typed in
    -- late. row_speaks is true if the very last step is an old step and the status is read from the dossier's row
    -- instead of this step. The row is used if the old step counts (has_force), or if no version of the row that was
    -- known on that evening had decided whether the old step counts. Each dossier is looked up separately, because a
    -- join would compare all dossiers with all steps.
    LEFT JOIN LATERAL (
        SELECT
            (
                array_agg(t.status_code ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC)
                FILTER (WHERE o.transition_id IS NULL)
            )[1] AS status_code,
            (
                array_agg(t.recorded_at ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC)
                FILTER (WHERE o.transition_id IS NULL)
            )[1] AS recorded_at,
            (
                array_agg(t.occurred_at ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC)
                FILTER (WHERE o.transition_id IS NULL)
            )[1] AS occurred_at,
            (
                array_agg(
                    o.transition_id IS NOT NULL AND (coalesce(o.version_id > s.known_version, TRUE) OR o.has_force)
                    ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
                )
            )[1] AS row_speaks
        FROM motcua.transitions AS t
        LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id AND s.known_transition >= o.known_from
        WHERE
            t.dossier_id = s.dossier_id AND t.transition_id <= s.known_transition
            AND t.recorded_at <= s.evening_at
    ) AS m ON TRUE
    WHERE
        (s.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = s.due_day
        AND coalesce((s.received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date < s.due_day, TRUE)
        AND coalesce(s.returned_at > s.evening_at OR m.occurred_at > s.returned_at, s.returned_at IS NULL)
        AND CASE
            WHEN m.row_speaks AND s.row_status IS NOT NULL THEN s.row_status IN (2, 4)
            -- A row without a time of change counts as older than every transition.
            ELSE
                (s.is_old AND coalesce(m.recorded_at <= s.row_at, m.recorded_at IS NULL) AND s.row_status IN (2, 4))
                OR (coalesce(m.recorded_at > s.row_at, m.recorded_at IS NOT NULL) AND m.status_code IN (2, 4))
        END
    GROUP BY s.agency_code, s.procedure_code, s.dossier_id, s.due_day
),

occasions AS (
    SELECT
        o.agency_code,
        coalesce(o.procedure_code, '') AS procedure_code,
        'apology' AS kind,
        count(*) AS expected
    FROM owed AS o
    WHERE %(start)s::timestamptz IS NULL OR (o.evening_at >= %(start)s AND o.evening_at < %(end)s)
    GROUP BY o.agency_code, o.procedure_code
    UNION ALL
    SELECT
        d.agency_code,
        coalesce(d.procedure_code, '') AS procedure_code,
        s.kind,
        count(*) AS expected
    FROM steps AS s
    INNER JOIN LATERAL (
        SELECT
            r.agency_code,
            r.procedure_code
        FROM motcua.dossiers AS r
        WHERE r.dossier_id = s.dossier_id
        OFFSET 0  -- noqa: AM09
    ) AS d ON TRUE
    WHERE s.outcome <> 'out_of_scope'
    GROUP BY d.agency_code, d.procedure_code, s.kind
    UNION ALL
    SELECT
        coalesce(i.agency_code, '') AS agency_code,
        coalesce(d.procedure_code, '') AS procedure_code,
        'reply' AS kind,
        count(*) AS expected
    FROM motcua.inquiries AS i
    LEFT JOIN LATERAL (
        SELECT r.procedure_code FROM motcua.dossiers AS r
        WHERE r.dossier_id = i.dossier_id
        OFFSET 0  -- noqa: AM09
    ) AS d ON TRUE
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
    LEFT JOIN LATERAL (
        SELECT r.procedure_code FROM motcua.dossiers AS r
        WHERE r.dossier_id = m.dossier_id
        OFFSET 0  -- noqa: AM09
    ) AS d ON TRUE
    WHERE %(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s)
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
ORDER BY 1, 2, 3;

-- name: latency
-- Return the percentiles of the seconds from the recording of a transition to the gateway's acceptance, for the latest
-- messages that nothing delayed (motcua.messages). Messages are left out if they waited for a corrected phone or a
-- second attempt, or if they were on hold. Messages are also left out if their transition was in quarantine, for
-- example until its dossier or agency was known.
WITH latest AS (
    SELECT extract(EPOCH FROM m.accepted_at - m.recorded_at) AS seconds
    FROM motcua.messages AS m
    INNER JOIN motcua.transitions AS t ON m.transition_id = t.transition_id
    WHERE
        m.accepted_at IS NOT NULL
        AND m.attempts_made = 1
        AND m.recorded_at >= %(since)s
        AND m.next_attempt_at <= m.planned_at
        AND NOT EXISTS (
            SELECT 1 FROM motcua.message_history AS h
            WHERE h.message_id = m.message_id AND h.to_state = 'suppressed'
        )
        AND NOT EXISTS (
            SELECT 1 FROM motcua.quarantine AS q
            WHERE
                q.source_id = t.source_id
                AND q.row_kind = 'transition'
                AND q.row_key = t.source_transition_id::text
        )
    ORDER BY m.accepted_at DESC
    LIMIT %(limit)s
)

SELECT
    count(*) AS messages,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99,
    max(seconds) AS longest
FROM latest;
