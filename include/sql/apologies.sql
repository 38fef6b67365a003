-- Find the dossiers whose citizens must get an apology because the result will be late, and report what became of the
-- apologies. Apologies are planned once each evening for each agency. An evening is settled when a row of
-- motcua.apology_evenings states that its apologies were planned, were found to be missed, or were not needed because
-- the day was a day off. Called by store/notices/apologies.py.

-- name: is_left
-- Return whether an enabled agency with dossiers has no record of this evening (motcua.apology_evenings). Every run of
-- the DAG notify_transitions executes this query, so it must be cheap.
SELECT exists(
    SELECT 1
    FROM motcua.agencies AS g
    INNER JOIN motcua.agencies_on(%(day)s::date) AS n ON g.agency_code = n.agency_code
    WHERE
        g.enabled_from <= %(evening_at)s
        AND coalesce(g.valid_from <= %(day)s, TRUE)
        AND n.in_charge IS NOT NULL
        AND EXISTS (SELECT 1 FROM motcua.dossiers AS d WHERE d.agency_code = g.agency_code)
        AND NOT EXISTS (
            SELECT 1 FROM motcua.apology_evenings AS e
            WHERE e.agency_code = g.agency_code AND e.day = %(day)s
        )
) AS is_left;

-- name: unsettled
-- Return each enabled agency with its settings, the sources of its dossiers, and the days whose evening is not settled
-- yet, the oldest first (motcua.agencies, motcua.apology_evenings). Days count from the day on which the agency was
-- enabled or the first of its dossiers was read, whichever is later, up to a given day. Days on which no agency was in
-- charge are left out. If only_day is given, only that day counts.
SELECT
    g.agency_code,
    g.accented,
    g.kinds_off,
    g.apology_day,
    greatest(g.enabled_from, v.seen_at) AS begins_at,
    f.sources,
    array(
        SELECT n.day
        FROM (
            -- Settled days are removed first, because PostgreSQL reads them in one piece of an index. The function that
            -- finds the agency in charge is then called for the remaining days only.
            SELECT a.day::date
            FROM
                generate_series(
                    coalesce(
                        %(only_day)s::date,
                        (greatest(g.enabled_from, v.seen_at) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
                    )::timestamp,
                    %(up_to)s::date::timestamp,
                    '1 day'
                ) AS a (day)
            EXCEPT
            SELECT e.day
            FROM motcua.apology_evenings AS e
            WHERE e.agency_code = g.agency_code
        ) AS n
        WHERE
            coalesce(g.valid_from <= n.day, TRUE)
            AND EXISTS (
                SELECT 1 FROM motcua.agencies_on(n.day) AS o
                WHERE o.agency_code = g.agency_code AND o.in_charge IS NOT NULL
            )
        ORDER BY n.day
    ) AS days
FROM motcua.agencies AS g
CROSS JOIN
    LATERAL (
        -- This query finds the agency's first dossier from each source, one source after the other. That is fast
        -- because an agency has few sources.
        WITH RECURSIVE firsts AS (
            (
                SELECT d.source_id, d.dossier_id
                FROM motcua.dossiers AS d
                WHERE d.agency_code = g.agency_code
                ORDER BY d.source_id, d.dossier_id
                LIMIT 1
            )
            UNION ALL
            SELECT n.source_id, n.dossier_id
            FROM firsts AS b
            CROSS JOIN LATERAL (
                SELECT d.source_id, d.dossier_id
                FROM motcua.dossiers AS d
                WHERE d.agency_code = g.agency_code AND d.source_id > b.source_id
                ORDER BY d.source_id, d.dossier_id
                LIMIT 1
            ) AS n
        )

        SELECT
            min(b.dossier_id) AS dossier_id,
            array_agg(s.name ORDER BY b.source_id) AS sources
        FROM firsts AS b
        INNER JOIN motcua.sources AS s ON b.source_id = s.source_id
    ) AS f
INNER JOIN LATERAL (
    SELECT w.seen_at
    FROM motcua.dossier_versions AS w
    WHERE w.dossier_id = f.dossier_id
    ORDER BY w.version_id
    LIMIT 1
) AS v ON TRUE
WHERE g.enabled_from IS NOT NULL
ORDER BY g.agency_code;

-- name: limit_wait
-- Limit the time for which this transaction waits for a lock, in milliseconds.
SELECT set_config('lock_timeout', %(milliseconds)s::text, TRUE);

-- name: lock_sources
-- Wait until no process reads new rows of these sources, and let no other process do so until the transaction ends
-- (motcua.sources). The facts about the dossiers of these sources do not change in the meantime.
SELECT pg_advisory_xact_lock(hashtext('pick-ups of sources'), s.source_id) IS NOT NULL AS held
FROM (
    SELECT k.source_id FROM motcua.sources AS k
    WHERE k.name = any(%(names)s)
    ORDER BY k.source_id
) AS s;

-- name: sources
-- Return when these sources were read last (motcua.sources). The caller locks the sources first (lock_sources).
SELECT name, picked_up_at
FROM motcua.sources
WHERE name = any(%(names)s)
ORDER BY source_id;

-- name: is_settled
-- Return whether an evening is settled (motcua.apology_evenings). The caller locks the sources first, because another
-- transaction may settle the evening while the caller waits for the lock.
SELECT EXISTS(
    SELECT 1 FROM motcua.apology_evenings
    WHERE agency_code = %(agency_code)s AND day = %(day)s
) AS is_settled;

-- name: covered_until
-- Return the last due day that an agency's evenings before a given day covered, even if the apologies of these evenings
-- were missed (motcua.apology_evenings).
SELECT max(e.last_due) AS covered_until
FROM motcua.apology_evenings AS e
WHERE e.agency_code = %(agency_code)s AND e.day < %(day)s;

-- name: candidates
-- Return the dossiers of these agencies that have or once had one of these due days, in the state that they had on the
-- evening, as far as the ledger knows it (motcua.dossier_versions). Phone, code and source have their present values.
WITH due AS (
    SELECT DISTINCT v.dossier_id
    FROM motcua.dossier_versions AS v
    INNER JOIN motcua.dossiers AS d ON v.dossier_id = d.dossier_id
    WHERE
        (v.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = any(%(due_days)s::date[])
        AND d.agency_code = any(%(agencies)s)
        AND v.dossier_id > %(after)s
    ORDER BY v.dossier_id
    LIMIT %(limit)s
)

SELECT
    d.dossier_id,
    d.agency_code,
    d.dossier_code,
    d.procedure_code,
    d.msisdn,
    -- A phone number that was erased from the ledger counts as missing until the row is read again.
    coalesce(d.phone_refusal, CASE WHEN d.msisdn IS NULL THEN 'missing' END) AS phone_refusal,
    s.name AS source,
    o.due_at,
    o.received_at,
    o.status_code,
    o.handed_over
FROM due
INNER JOIN motcua.dossiers AS d ON due.dossier_id = d.dossier_id
INNER JOIN motcua.sources AS s ON d.source_id = s.source_id
CROSS JOIN
    LATERAL motcua.dossier_as_of(
        d.dossier_id, %(evening_at)s, 9223372036854775807, 9223372036854775807
    ) AS o
ORDER BY d.dossier_id;

-- name: save_evening
-- Insert a settled evening, with the highest numbers of transitions and dossier versions that the ledger has now
-- (motcua.apology_evenings). The caller holds the locks of the agency's sources.
INSERT INTO motcua.apology_evenings (
    agency_code,
    day,
    evening_at,
    apology_day,
    state,
    first_due,
    last_due,
    useful_until,
    settled_at,
    known_transition,
    known_version,
    looked_at,
    queued,
    suppressed,
    missed
)
VALUES (
    %(agency_code)s,
    %(day)s,
    %(evening_at)s,
    %(apology_day)s,
    %(state)s,
    %(first_due)s,
    %(last_due)s,
    %(useful_until)s,
    %(settled_at)s,
    coalesce((SELECT max(t.transition_id) FROM motcua.transitions AS t), 0),
    coalesce((SELECT max(v.version_id) FROM motcua.dossier_versions AS v), 0),
    %(looked_at)s,
    %(queued)s,
    %(suppressed)s,
    %(missed)s
);

-- name: evenings
-- Return the evenings of these days, the newest first, with the present state of their apologies
-- (motcua.apology_evenings).
SELECT
    e.agency_code,
    e.day,
    e.evening_at,
    e.apology_day,
    e.state,
    e.first_due,
    e.last_due,
    e.useful_until,
    e.settled_at,
    e.looked_at,
    e.queued,
    e.suppressed,
    e.missed,
    coalesce(m.told, 0) AS told,
    coalesce(m.cancelled, 0) AS cancelled,
    coalesce(m.expired, 0) AS expired,
    coalesce(m.open, 0) AS open
FROM motcua.apology_evenings AS e
LEFT JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE a.state IN ('accepted', 'delivered', 'unconfirmed')) AS told,
        count(*) FILTER (WHERE a.state = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE a.state = 'expired') AS expired,
        count(*) FILTER (WHERE a.state IN ('queued', 'sending', 'unknown')) AS open
    FROM motcua.messages AS a
    WHERE a.recorded_at = e.evening_at AND a.agency_code = e.agency_code AND a.kind = 'apology'
) AS m ON TRUE
WHERE e.day BETWEEN %(first)s AND %(last)s
ORDER BY e.day DESC, e.agency_code;

-- name: settled_agencies
-- Return for one evening the numbers of agencies whose apologies were planned (done), were found to be missed, or were
-- not needed on a day off; how many dossiers were checked; and when the last agency's evening was settled
-- (motcua.apology_evenings). The parameter agencies limits the result to some agencies; NULL means all.
SELECT
    count(*) FILTER (WHERE e.state = 'done') AS done,
    count(*) FILTER (WHERE e.state = 'missed') AS missed,
    count(*) FILTER (WHERE e.state = 'day_off') AS day_off,
    coalesce(sum(e.looked_at), 0) AS looked_at,
    max(e.settled_at) AS settled_at,
    max(e.useful_until) AS useful_until
FROM motcua.apology_evenings AS e
WHERE
    e.evening_at = %(evening_at)s
    AND (%(agencies)s::text[] IS NULL OR e.agency_code = any(%(agencies)s::text[]));

-- name: became
-- Return the number of apologies of one evening by present state and reason (motcua.messages). The parameter agencies
-- limits the result to some agencies; NULL means all. Messages of other evenings do not make the query slower.
SELECT m.state, m.reason, count(*) AS messages
FROM motcua.messages AS m
WHERE
    m.recorded_at = %(evening_at)s
    AND m.kind = 'apology'
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
GROUP BY m.state, m.reason
ORDER BY messages DESC, m.state, m.reason;

-- name: letters
-- Return the dossiers that need a Phiếu xin lỗi và hẹn lại ngày trả kết quả (form 04 of TT 01/2018/TT-VPCP), the
-- longest overdue first (motcua.dossiers, motcua.messages). A dossier needs the form if it is in progress, and if its
-- due day is over or an apology by SMS about that day is stored. The SMS gives no reason and no new date, so it does
-- not replace the form. To save time, the query reads no steps of a dossier that has ended according to its row (status
-- 3, 7 or 10, or status 9 and handed over). Any other dossier is examined only if its row has a status in progress or
-- no status, or if a transition is newer than the row. Each row of the result has the number of times that the due day
-- was moved, because the law allows one new date.
SELECT
    d.agency_code,
    d.dossier_code,
    coalesce(p.name, d.procedure_code) AS procedure,
    y.due_day,
    %(today)s::date - y.due_day AS days_late,
    m.state AS sms,
    m.reason AS sms_reason,
    (
        SELECT count(*) - 1
        FROM (
            SELECT DISTINCT (v.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day
            FROM motcua.dossier_versions AS v
            WHERE v.dossier_id = d.dossier_id AND v.due_at IS NOT NULL
        ) AS appointed
    ) AS times_moved
FROM motcua.dossiers AS d
CROSS JOIN LATERAL (SELECT (d.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS due_day) AS y
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
LEFT JOIN motcua.messages AS m
    ON
        d.dossier_id = m.dossier_id AND m.kind = 'apology'
        AND m.occasion = 'due ' || to_char(y.due_day, 'YYYY-MM-DD')
WHERE
    d.due_at IS NOT NULL
    AND (y.due_day < %(today)s::date OR m.message_id IS NOT NULL)
    AND (%(agencies)s::text[] IS NULL OR d.agency_code = any(%(agencies)s::text[]))
    AND CASE
        WHEN d.status_code IN (3, 7, 10) OR (d.status_code = 9 AND d.returned_at IS NOT NULL) THEN FALSE
        WHEN
            d.status_code IN (2, 4) OR d.status_code IS NULL
            OR EXISTS (
                SELECT 1 FROM motcua.transitions AS t
                WHERE t.dossier_id = d.dossier_id AND t.recorded_at > coalesce(d.updated_at, '-infinity')
            )
            THEN motcua.apology_holds(d.dossier_id, 'due ' || to_char(y.due_day, 'YYYY-MM-DD'))
        ELSE FALSE
    END
ORDER BY y.due_day, d.agency_code, d.dossier_code
LIMIT %(limit)s;

-- name: letter_facts
-- Return the further facts that a filled-in letter needs: dates and the applicant's name (motcua.dossiers). The
-- parameters agencies and codes are parallel arrays, which name each dossier by its agency and its code.
SELECT
    d.agency_code,
    d.dossier_code,
    d.received_at,
    d.due_at,
    d.applicant_name
FROM motcua.dossiers AS d
INNER JOIN unnest(%(agencies)s::text[], %(codes)s::text[]) AS w (agency_code, dossier_code)
    ON d.agency_code = w.agency_code AND d.dossier_code = w.dossier_code;

-- name: forecast
-- Return how good the forecast of late dossiers was, by agency, month, outcome and reason (audit.apology_evenings,
-- audit.dossier_versions). The query covers dossiers whose due day lies in a period and is over. If an agency's setting
-- apology_day is working_day, a due day that is a day off counts as the next working day. The outcome compares the
-- apology with the dossier at the end of the due day:
--   right    the citizen was texted, and the dossier was in progress without a result
--   stopped  the citizen was texted, and the dossier had no result but was not in progress any more
--   wrong    the citizen was texted, and the dossier had a result
--   missed   the citizen was not texted, and the dossier was late; the reason tells why
-- The query uses the rows of dossier_versions, transitions and message_history up to the given numbers.
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
    -- No settled evening covers these due days: the agency was not enabled then, or the evening is not settled yet.
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
ORDER BY 1, 2, 3, 4;
