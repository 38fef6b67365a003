-- Compute the facts of a dossier that depend on other rows: messages, edits, phone numbers that are shared or failed,
-- repeated filings, inquiries, complaints and the desk register. The desk register is the list in which a one-stop desk
-- writes when results are ready and handed over. The rows that an SQL statement returns are stored in the table of the
-- schema quality that has the statement's name. The last statement returns all facts that rules about dossiers use.
-- Called by store/oversight/quality.py.

-- name: result_messages
-- Return one outcome for the result messages of each dossier, and whether a gateway accepted one of them
-- (motcua.messages).
SELECT
    m.dossier_id,
    bool_or(m.accepted_at IS NOT NULL) AS told,
    CASE
        WHEN bool_or(m.state = 'delivered') THEN 'delivered'
        WHEN bool_or(m.state IN ('queued', 'sending', 'unknown', 'accepted')) THEN 'pending'
        WHEN bool_or(m.state = 'suppressed' AND m.reason IN ('kind_off', 'same_day', 'already_told')) THEN 'off'
        WHEN bool_and(m.state = 'cancelled') THEN 'cancelled'
        WHEN bool_or(m.state = 'suppressed') THEN 'no_phone'
        ELSE 'failed'
    END AS outcome
FROM motcua.messages AS m
WHERE m.kind = 'result' AND m.dossier_id IS NOT NULL
GROUP BY m.dossier_id;

-- name: edited
-- Return the dossiers whose rows were read with different due dates or procedures (motcua.dossier_versions). Procedures
-- are compared by their hashes, which takes a third of the time that comparing their codes would take.
SELECT v.dossier_id
FROM motcua.dossier_versions AS v
GROUP BY v.dossier_id
HAVING
    min(v.due_at) <> max(v.due_at)
    OR min(hashtextextended(v.procedure_code, 0)) <> max(hashtextextended(v.procedure_code, 0));

-- name: edits
-- Return for each edited dossier its unexplained moves of the due date to a later time, the due day that was in force
-- when the last pause began, and the time of the last change of procedure (motcua.dossier_versions). A move of the due
-- date counts as explained if the dossier was paused (status 5, 6 or 8) since the previous move.
WITH due_steps AS (
    SELECT
        v.dossier_id,
        v.version_id,
        v.due_at,
        coalesce(v.updated_at, v.seen_at) AS changed_at,
        lag(v.due_at) OVER w AS due_before
    FROM motcua.dossier_versions AS v
    INNER JOIN quality.edited AS e ON v.dossier_id = e.dossier_id
    WHERE v.due_at IS NOT NULL
    WINDOW w AS (PARTITION BY v.dossier_id ORDER BY v.version_id)
),

due_moves AS (
    SELECT
        s.dossier_id,
        s.changed_at,
        (s.changed_at AT TIME ZONE interval '+07:00')::date
        >= (s.due_before AT TIME ZONE interval '+07:00')::date - 1 AS is_late,
        lag(s.changed_at) OVER (PARTITION BY s.dossier_id ORDER BY s.version_id) AS moved_before
    FROM due_steps AS s
    WHERE s.due_at > s.due_before
),

unexplained AS (
    SELECT
        m.dossier_id,
        max(m.changed_at) FILTER (WHERE m.changed_at >= %(since)s) AS due_moved_at,
        count(*) FILTER (WHERE m.is_late AND m.changed_at >= %(since)s) AS late_moves,
        count(*) AS unexplained_moves
    FROM due_moves AS m
    WHERE
        NOT EXISTS (
            SELECT 1 FROM motcua.transitions AS t
            WHERE
                t.dossier_id = m.dossier_id AND t.status_code IN (5, 6, 8)
                AND t.occurred_at <= m.changed_at + interval '5 minutes'
                AND t.occurred_at > coalesce(m.moved_before, '-infinity')
        )
    GROUP BY m.dossier_id
),

procedure_steps AS (
    SELECT
        v.dossier_id,
        v.procedure_code,
        coalesce(v.updated_at, v.seen_at) AS changed_at,
        lag(v.procedure_code) OVER (PARTITION BY v.dossier_id ORDER BY v.version_id) AS procedure_before
    FROM motcua.dossier_versions AS v
    INNER JOIN quality.edited AS e ON v.dossier_id = e.dossier_id
    WHERE v.procedure_code IS NOT NULL
),

procedure_moves AS (
    SELECT s.dossier_id, max(s.changed_at) AS changed_at
    FROM procedure_steps AS s
    WHERE s.procedure_code <> s.procedure_before AND s.changed_at >= %(since)s
    GROUP BY s.dossier_id
),

pauses AS (
    SELECT x.dossier_id, max(x.occurred_at) AS paused_at
    FROM (
        SELECT
            t.dossier_id,
            t.occurred_at,
            t.status_code IN (5, 6, 8)
            AND coalesce(lag(t.status_code) OVER (
                PARTITION BY t.dossier_id ORDER BY t.sequence, t.from_row, t.transition_id
            ) NOT IN (5, 6, 8), TRUE) AS begins
        FROM motcua.transitions AS t
        INNER JOIN quality.edited AS e ON t.dossier_id = e.dossier_id
    ) AS x
    WHERE x.begins AND x.occurred_at >= %(since)s
    GROUP BY x.dossier_id
),

-- Find the due day that was in force when the last pause began.
at_pause AS (
    SELECT DISTINCT ON (s.dossier_id)
        s.dossier_id,
        (s.due_at AT TIME ZONE interval '+07:00')::date AS due_day
    FROM due_steps AS s
    INNER JOIN pauses AS p ON s.dossier_id = p.dossier_id
    ORDER BY
        s.dossier_id,
        s.changed_at < p.paused_at - interval '5 minutes' DESC,
        CASE WHEN s.changed_at < p.paused_at - interval '5 minutes' THEN s.version_id END DESC,
        s.version_id
)

SELECT
    e.dossier_id,
    u.due_moved_at,
    u.late_moves,
    u.unexplained_moves,
    a.due_day AS due_day_at_pause,
    p.changed_at AS procedure_changed_at
FROM quality.edited AS e
LEFT JOIN at_pause AS a ON e.dossier_id = a.dossier_id
LEFT JOIN unexplained AS u ON e.dossier_id = u.dossier_id
LEFT JOIN procedure_moves AS p ON e.dossier_id = p.dossier_id
WHERE a.due_day IS NOT NULL OR u.due_moved_at IS NOT NULL OR p.changed_at IS NOT NULL;

-- name: shared_numbers
-- Return the dossiers whose phone number belonged to many owners within some days (motcua.dossiers). An owner who gives
-- the phone number for a dossier counts for a given number of days, or until the owner's next dossier with this number,
-- whichever is shorter. Names that differ only in upper and lower case are one owner.
WITH often AS (
    SELECT d.msisdn
    FROM motcua.dossiers AS d
    WHERE d.msisdn IS NOT NULL AND coalesce(d.phone_entered_at, d.received_at) >= %(since)s
    GROUP BY d.msisdn
    HAVING count(*) >= %(p11_owners)s::numeric
),

uses AS MATERIALIZED (
    SELECT DISTINCT
        d.msisdn,
        motcua.owner_key(d.applicant_name) AS owner,
        (coalesce(d.phone_entered_at, d.received_at) AT TIME ZONE interval '+07:00')::date AS day
    FROM motcua.dossiers AS d
    INNER JOIN often AS o ON d.msisdn = o.msisdn
    WHERE d.applicant_name IS NOT NULL AND coalesce(d.phone_entered_at, d.received_at) >= %(since)s
),

lasting AS (
    SELECT
        u.msisdn,
        u.day AS begins,
        least(
            lead(u.day) OVER (PARTITION BY u.msisdn, u.owner ORDER BY u.day), u.day + %(p11_days)s::integer + 1
        ) AS ends
    FROM uses AS u
),

steps AS (
    SELECT e.msisdn, e.day, sum(e.step) AS step
    FROM (
        SELECT l.msisdn, l.begins AS day, 1 AS step FROM lasting AS l
        UNION ALL
        SELECT l.msisdn, l.ends, -1 FROM lasting AS l
    ) AS e
    GROUP BY e.msisdn, e.day
),

counted AS (
    SELECT s.msisdn, sum(s.step) OVER (PARTITION BY s.msisdn ORDER BY s.day) AS owners FROM steps AS s
),

shared AS (
    SELECT c.msisdn, max(c.owners) AS owners FROM counted AS c GROUP BY c.msisdn HAVING max(c.owners) >= %(p11_owners)s
)

SELECT d.dossier_id, h.owners::integer AS phone_owners
FROM shared AS h
INNER JOIN motcua.dossiers AS d ON h.msisdn = d.msisdn;

-- name: failed_numbers
-- Return the dossiers whose phone number failed (motcua.attempts). A number failed if a message to it, about any
-- dossier, was undelivered or was rejected because of the number, and no message to it was delivered since.
WITH failed AS MATERIALIZED (
    SELECT a.msisdn, m.dossier_id, max(coalesce(a.answered_at, a.started_at)) AS at
    FROM motcua.attempts AS a
    INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
    WHERE
        (a.state = 'undelivered' OR (a.state = 'rejected' AND a.outcome = 'phone'))
        AND m.dossier_id IS NOT NULL
    GROUP BY a.msisdn, m.dossier_id
),

reached AS (
    SELECT a.msisdn, max(coalesce(a.answered_at, a.started_at)) AS at
    FROM motcua.attempts AS a
    WHERE a.state = 'delivered' AND a.msisdn IN (SELECT f.msisdn FROM failed AS f)
    GROUP BY a.msisdn
)

SELECT
    d.dossier_id,
    max(f.at) FILTER (WHERE f.dossier_id <> d.dossier_id) AS number_failed_at,
    max(f.at) FILTER (WHERE f.dossier_id = d.dossier_id) AS own_number_failed_at
FROM failed AS f
INNER JOIN motcua.dossiers AS d ON f.msisdn = d.msisdn
LEFT JOIN reached AS r ON f.msisdn = r.msisdn
WHERE f.at > coalesce(r.at, '-infinity')
GROUP BY d.dossier_id;

-- name: refiled
-- Return the dossiers that their owner filed again: exactly two dossiers with the same name, phone number and procedure
-- at one agency (motcua.dossiers). Firms and notaries file the same procedure often, so three or more such dossiers do
-- not count.
WITH alike AS (
    SELECT d.agency_code, d.procedure_code, d.msisdn
    FROM motcua.dossiers AS d
    WHERE d.msisdn IS NOT NULL AND d.received_at >= %(since)s::timestamptz - interval '92 days'
    GROUP BY d.agency_code, d.procedure_code, d.msisdn
    HAVING count(*) > 1
),

filed AS (
    SELECT
        d.dossier_id,
        d.agency_code,
        lead(d.received_at) OVER w AS again_at,
        count(*) OVER (
            PARTITION BY d.agency_code, d.procedure_code, d.msisdn, motcua.owner_key(d.applicant_name)
        ) AS times
    FROM motcua.dossiers AS d
    INNER JOIN alike AS a
        ON d.agency_code = a.agency_code AND d.procedure_code = a.procedure_code AND d.msisdn = a.msisdn
    WHERE d.applicant_name IS NOT NULL AND d.received_at >= %(since)s::timestamptz - interval '92 days'
    WINDOW w AS (
        PARTITION BY d.agency_code, d.procedure_code, d.msisdn, motcua.owner_key(d.applicant_name)
        ORDER BY d.received_at, d.dossier_id
    )
)

SELECT f.dossier_id, f.again_at AS refiled_at, n.nth AS refiled_nth
FROM filed AS f
INNER JOIN quality.agencies AS a ON f.agency_code = a.agency_code
LEFT JOIN quality.days AS n
    ON a.calendar = n.calendar AND (f.again_at AT TIME ZONE interval '+07:00')::date = n.day
WHERE f.times = 2 AND f.again_at IS NOT NULL;

-- name: inquired
-- Return the dossiers about which citizens sent an inquiry to the short code 9029 although they had been texted that
-- the result is ready, and before the result was handed over (motcua.inquiries).
SELECT i.dossier_id, count(*) AS inquiries, max(i.received_at) AS last_inquiry_at
FROM motcua.inquiries AS i
WHERE i.told_result AND i.received_at >= %(since)s
GROUP BY i.dossier_id;

-- name: complained
-- Return the dossiers whose citizens complained that there was no result, within some days after a gateway accepted the
-- result message (motcua.complaints). Withdrawn complaints do not count. The time is counted in days, because often
-- only the day of a complaint is known. A complaint that is not linked to a dossier yet counts for the dossier with
-- exactly its code.
SELECT d.dossier_id, max(c.received_at) AS complained_at
FROM motcua.complaints AS c
LEFT JOIN motcua.dossiers AS e
    ON c.dossier_id IS NULL AND c.agency_code = e.agency_code AND c.dossier_code = e.dossier_code
CROSS JOIN LATERAL (SELECT coalesce(c.dossier_id, e.dossier_id) AS dossier_id) AS d
INNER JOIN motcua.messages AS m ON d.dossier_id = m.dossier_id AND m.kind = 'result'
WHERE
    c.claim = 'no_result_yet' AND c.withdrawn_at IS NULL AND c.received_at >= %(since)s
    AND m.accepted_at <= c.received_at
    AND (c.received_at AT TIME ZONE interval '+07:00')::date
    <= (m.accepted_at AT TIME ZONE interval '+07:00')::date + %(r13_complaint_days)s::integer
GROUP BY d.dossier_id;

-- name: cleaned
-- Return the dossiers with cleaned fields, whose values had to be corrected when they were read
-- (motcua.cleaned_fields). A cleaned time counts if it is in the dossier's present row, or was found in a transition
-- since the first month that the check covers. Another cleaned field counts only if it is in the present row.
SELECT
    c.dossier_id,
    max(c.last_seen_at) FILTER (WHERE c.detail ~ '_at\M') AS cleaned_time_at,
    string_agg(c.detail, ', ' ORDER BY c.cleaned_field_id) FILTER (
        WHERE c.transition_id IS NULL AND regexp_replace(c.detail, '[a-z]+(_[a-z]+)*_at\M(, )?', '', 'g') <> ''
    ) AS cleaned
FROM motcua.cleaned_fields AS c
INNER JOIN motcua.dossiers AS d ON c.dossier_id = d.dossier_id
WHERE
    (c.transition_id IS NULL AND c.last_seen_at >= d.picked_up_at)
    OR (c.transition_id IS NOT NULL AND c.found_at >= %(since)s)
GROUP BY c.dossier_id;

-- name: in_register
-- Return when the result of each dossier was ready and handed over according to the desk register
-- (quality.desk_register).
SELECT
    d.dossier_id,
    max(r.result_ready_at) AS register_ready_at,
    max(r.handed_over_at) AS register_handed_at
FROM quality.desk_register AS r
INNER JOIN motcua.dossiers AS d ON r.agency_code = d.agency_code AND r.dossier_code = d.dossier_code
WHERE r.source_id = d.source_id
GROUP BY d.dossier_id;

-- name: dossier_facts
-- Return all facts that the rules about dossiers use, one row for each dossier, for one of the two parts into which
-- quality/snapshot/middle divides the dossiers (quality.own_facts, quality.edits and others). A dossier's own facts are
-- joined with the facts from other rows. Facts that few dossiers have are joined with each other first, because each
-- join with all dossiers costs much time.
SELECT
    o.*,
    k.phone_owners,
    k.number_failed_at,
    k.own_number_failed_at,
    CASE WHEN k.refiled_at > o.result_at AND o.result_at >= %(since)s THEN k.refiled_at END AS refiled_at,
    CASE WHEN k.refiled_at > o.result_at AND o.result_at >= %(since)s THEN k.refiled_nth - o.result_nth END
        AS refiled_days,
    CASE
        WHEN coalesce(k.due_day_at_pause, o.due_day) - o.received_day >= %(r9_term_days)s
            THEN date_trunc('month', p.paused_day::timestamp)::date
    END AS pause_month,
    coalesce(
        coalesce(k.due_day_at_pause, o.due_day) - o.received_day >= %(r9_term_days)s
        AND p.paused_day >= coalesce(k.due_day_at_pause, o.due_day) - 1,
        FALSE
    ) AS paused_late,
    k.due_moved_at,
    k.late_moves AS due_late_moves,
    k.unexplained_moves AS due_unexplained_moves,
    k.procedure_changed_at,
    k.inquiries,
    k.last_inquiry_at,
    k.complained_at,
    k.cleaned_time_at,
    k.cleaned,
    g.agency_code IS NOT NULL AS register_offered,
    h.register_ready_at,
    h.register_handed_at,
    coalesce(s.told, FALSE) AS told_result,
    s.outcome AS result_message
FROM quality.own_facts AS o
LEFT JOIN quality.result_messages AS s
    ON o.dossier_id = s.dossier_id AND s.dossier_id >= %(low)s::bigint AND s.dossier_id < %(high)s::bigint
LEFT JOIN quality.in_register AS h
    ON o.dossier_id = h.dossier_id AND h.dossier_id >= %(low)s::bigint AND h.dossier_id < %(high)s::bigint
-- noqa: disable=ST11
LEFT JOIN (
    SELECT *
    FROM quality.edits
    FULL JOIN quality.shared_numbers USING (dossier_id)
    FULL JOIN quality.failed_numbers USING (dossier_id)
    FULL JOIN quality.refiled USING (dossier_id)
    FULL JOIN quality.inquired USING (dossier_id)
    FULL JOIN quality.complained USING (dossier_id)
    FULL JOIN quality.cleaned USING (dossier_id)
) AS k ON o.dossier_id = k.dossier_id
-- noqa: enable=ST11
LEFT JOIN (SELECT DISTINCT w.source_id, w.agency_code FROM quality.desk_register AS w) AS g
    ON o.source_id = g.source_id AND o.desk_agency_code = g.agency_code
CROSS JOIN LATERAL (SELECT (o.paused_at AT TIME ZONE interval '+07:00')::date AS paused_day) AS p;
