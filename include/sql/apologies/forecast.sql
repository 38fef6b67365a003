-- How good the forecast was, by agency, month, outcome and reason, of dossiers whose appointed day (in working_day mode
-- the effective one) lies in a period and is over: told and no result at the end of that day (right; stopped: nor was
-- it being worked on any more), told and the result was there (wrong), not told and late (missed, with why).
-- By what the ledger knew up to a version, a transition and a move. Called by store/notices/apologies.py.
WITH due_days AS (
    SELECT DISTINCT ON (e.agency_code, e.first_due + n.days)
        e.agency_code,
        e.evening_at,
        e.known_version,
        e.known_transition,
        e.last_due AS judged_day,
        e.first_due + n.days AS due_day
    FROM audit.apology_evenings AS e
    CROSS JOIN generate_series(0, e.last_due - e.first_due) AS n (days)
    WHERE e.last_due BETWEEN %(first)s AND %(last)s AND e.settled_at <= %(now)s
    ORDER BY e.agency_code, e.first_due + n.days, e.evening_at
),

all_due_days AS (
    SELECT * FROM due_days
    UNION ALL
    -- No evening was about them: the agency was not enabled then, or the evening is not settled.
    SELECT
        b.agency_code,
        NULL AS evening_at,
        NULL AS known_version,
        NULL AS known_transition,
        %(first)s::date + n.days AS judged_day,
        %(first)s::date + n.days AS due_day
    FROM (
        SELECT
            e.agency_code,
            min(e.day) AS day
        FROM audit.apology_evenings AS e
        WHERE e.settled_at <= %(now)s
        GROUP BY e.agency_code
    ) AS b
    CROSS JOIN generate_series(0, %(last)s::date - %(first)s::date) AS n (days)
    WHERE
        %(first)s::date + n.days > b.day
        AND NOT EXISTS (
            SELECT 1 FROM audit.apology_evenings AS e
            WHERE
                e.agency_code = b.agency_code AND e.settled_at <= %(now)s
                AND %(first)s::date + n.days BETWEEN e.first_due AND e.last_due
        )
),

appointed AS (
    SELECT DISTINCT
        y.*,
        d.dossier_id,
        (y.judged_day + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' AS ends_at
    FROM all_due_days AS y
    INNER JOIN audit.dossier_versions AS v ON (v.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = y.due_day
    INNER JOIN audit.dossiers AS d ON v.dossier_id = d.dossier_id AND y.agency_code = d.agency_code
    WHERE (y.judged_day + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' <= %(now)s
),

judged AS (
    SELECT
        a.*,
        o.received_at,
        m.state,
        m.reason,
        coalesce(m.state IN ('accepted', 'delivered', 'unconfirmed'), FALSE) AS told,
        coalesce(o.status_code IN (9, 10), FALSE) OR o.handed_over AS has_result,
        coalesce(o.status_code IN (2, 4), FALSE) AS is_open,
        coalesce((o.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = a.due_day, FALSE) AS still_due
    FROM appointed AS a
    CROSS JOIN
        LATERAL audit.dossier_as_of(
            a.dossier_id, a.ends_at - '1 microsecond'::interval, %(known_version)s, %(known_transition)s
        ) AS o
    LEFT JOIN audit.messages_as_of(%(known_history)s) AS m
        ON
            a.dossier_id = m.dossier_id AND m.kind = 'apology'
            AND m.occasion = 'due ' || to_char(a.due_day, 'YYYY-MM-DD')
),

named AS (
    SELECT
        j.agency_code,
        j.judged_day,
        CASE
            WHEN j.told AND j.has_result THEN 'wrong'
            WHEN j.told AND NOT j.is_open THEN 'stopped'
            WHEN j.told THEN 'right'
            ELSE 'missed'
        END AS outcome,
        CASE
            WHEN j.told THEN NULL
            WHEN j.state IN ('suppressed', 'expired') THEN j.reason
            WHEN j.state IS NOT NULL THEN j.state
            WHEN j.evening_at IS NULL THEN 'no_evening'
            WHEN j.due_day <= (j.received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date THEN 'same_day'
            WHEN e.dossier_id IS NULL THEN 'not_seen'
            WHEN coalesce((e.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date <> j.due_day, TRUE) THEN 'due_set_late'
            WHEN e.status_code IS NULL THEN 'not_seen'
            WHEN e.status_code NOT IN (2, 4) OR e.handed_over THEN 'other_status'
            ELSE 'forgotten'
        END AS reason
    FROM judged AS j
    LEFT JOIN LATERAL (
        SELECT
            j.dossier_id,
            o.*
        FROM audit.dossier_as_of(j.dossier_id, j.evening_at, j.known_version, j.known_transition) AS o
    ) AS e ON NOT j.told AND j.evening_at IS NOT NULL
    WHERE j.told OR (j.is_open AND NOT j.has_result AND j.still_due)
)

SELECT
    agency_code,
    date_trunc('month', judged_day)::date AS month,
    outcome,
    reason,
    count(*) AS dossiers
FROM named
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
