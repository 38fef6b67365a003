-- Facts that rules about dossiers and sources look at, made of the snapshot. Called by store/oversight/quality.py.

-- name: data_as_of
-- When the snapshot's sources had last been read, the oldest of them.
SELECT min(f.picked_up_at) AS data_as_of FROM quality.source_facts AS f WHERE f.agency_code IS NULL;

-- name: count_dossiers
-- How many dossiers of the snapshot are of agencies that are not broken.
SELECT count(*) AS dossiers
FROM quality.dossier_facts AS f
WHERE f.agency_code <> all(%(broken_agencies)s::text[]);

-- name: fill_usual_waits
-- How long results of each procedure usually wait at the desk, by those that were collected: median and median absolute
-- deviation, of the few lengths that there are and how often each came.
INSERT INTO quality.usual_waits (procedure_code, collected, median, deviation)
WITH waits AS (
    SELECT f.procedure_code, f.pickup_days AS days, count(*) AS times
    FROM quality.dossier_facts AS f
    WHERE f.pickup_days IS NOT NULL
    GROUP BY f.procedure_code, f.pickup_days
),

ordered AS (
    SELECT
        w.procedure_code,
        w.days,
        sum(w.times) OVER (PARTITION BY w.procedure_code ORDER BY w.days) AS up_to,
        sum(w.times) OVER (PARTITION BY w.procedure_code) AS of_all
    FROM waits AS w
),

-- The middle one, or halfway between the two in the middle.
medians AS (
    SELECT
        o.procedure_code,
        o.of_all AS collected,
        (min(o.days) FILTER (WHERE 2 * o.up_to >= o.of_all) + min(o.days) FILTER (WHERE 2 * o.up_to > o.of_all)) / 2.0
            AS median
    FROM ordered AS o
    GROUP BY o.procedure_code, o.of_all
),

deviations AS (
    SELECT
        d.procedure_code, d.deviation, sum(d.times) OVER (PARTITION BY d.procedure_code ORDER BY d.deviation) AS up_to
    FROM (
        SELECT w.procedure_code, abs(w.days - m.median) AS deviation, sum(w.times) AS times
        FROM waits AS w
        INNER JOIN medians AS m ON w.procedure_code = m.procedure_code
        GROUP BY w.procedure_code, abs(w.days - m.median)
    ) AS d
)

SELECT
    m.procedure_code,
    m.collected,
    m.median,
    (
        min(d.deviation) FILTER (WHERE 2 * d.up_to >= m.collected)
        + min(d.deviation) FILTER (WHERE 2 * d.up_to > m.collected)
    ) / 2
FROM medians AS m
INNER JOIN deviations AS d ON m.procedure_code = d.procedure_code
GROUP BY m.procedure_code, m.collected, m.median;

-- name: fill_dossier_facts
-- Everything that the rules about dossiers look at, one row a dossier, of one part of them. Working days between two
-- events are those after the day of the first and up to the day of the second; those until now are the ones that are
-- over.
INSERT INTO quality.dossier_facts (
    dossier_id, agency_code, status_code, ended, textable, due_on_day_off, phone_refusal, phone_notes, phone_owners,
    number_failed_at, own_number_failed_at, reopened_at, supplement_at, supplement_days, result_note_at, refiled_at,
    refiled_days, beat_at, paused_at, pause_month, paused_late, due_moved_at, due_late_moves, due_unexplained_moves,
    procedure_changed_at, withdrawn_at, withdrawal_asked, inquiries, last_inquiry_at, complained_at, skipped_at,
    odd_hours_at, day_off_at, before_receipt_at, in_future_at, cleaned_time_at, cleaned, register_offered,
    register_ready_at, register_handed_at, idle_days, waiting_days, term_days, pickup_days, received_at, due_at,
    last_event_at, result_at, desk_result_at, collected_at, collected_at_once, same_day, told_result,
    result_message, enabled, received_month, result_month, desk_result_month, collected_month, procedure_code,
    source_id
)
WITH marks AS (
    SELECT
        k.dossier_id,
        max(k.due_moved_at) AS due_moved_at,
        max(k.late_moves) AS late_moves,
        max(k.unexplained_moves) AS unexplained_moves,
        max(k.due_day_at_pause) AS due_day_at_pause,
        max(k.procedure_changed_at) AS procedure_changed_at,
        max(k.phone_owners) AS phone_owners,
        max(k.number_failed_at) AS number_failed_at,
        max(k.own_number_failed_at) AS own_number_failed_at,
        max(k.refiled_at) AS refiled_at,
        max(k.refiled_nth) AS refiled_nth,
        max(k.inquiries) AS inquiries,
        max(k.last_inquiry_at) AS last_inquiry_at,
        max(k.complained_at) AS complained_at,
        max(k.cleaned_time_at) AS cleaned_time_at,
        max(k.cleaned) AS cleaned,
        max(k.register_ready_at) AS register_ready_at,
        max(k.register_handed_at) AS register_handed_at
    FROM quality.marks AS k
    WHERE k.dossier_id >= %(low)s::bigint AND k.dossier_id < %(high)s::bigint
    GROUP BY k.dossier_id
),

registers AS (
    SELECT DISTINCT r.source_id, r.agency_code FROM quality.desk_register AS r
)

SELECT
    d.dossier_id,
    d.answers,
    n.status_code,
    coalesce(n.status_code IN (3, 7, 10), FALSE)
    OR coalesce(d.returned_at <= %(as_of)s AND coalesce(m.last_occurred_at <= d.returned_at, TRUE), FALSE),
    d.textable,
    NOT d.due_working,
    d.phone_refusal,
    d.phone_notes,
    k.phone_owners,
    k.number_failed_at,
    k.own_number_failed_at,
    m.reopened_at,
    m.supplement_at,
    CASE WHEN m.supplement_at IS NOT NULL THEN m.supplement_nth - supplement_from.nth END,
    m.result_note_at,
    CASE WHEN k.refiled_at > m.result_at AND m.result_at >= %(since)s THEN k.refiled_at END,
    CASE WHEN k.refiled_at > m.result_at AND m.result_at >= %(since)s THEN k.refiled_nth - m.result_nth END,
    CASE
        WHEN
            m.evening_at IS NOT NULL
            AND (m.evening_at AT TIME ZONE interval '+07:00')::date IN (d.due_day - 1, d.eve)
            AND (
                m.reopened_at > m.evening_at
                OR coalesce(m.collected_at, %(as_of)s) > d.due_at + make_interval(days => %(beat_days)s::integer)
            )
            THEN m.evening_at
    END,
    m.paused_at,
    CASE
        WHEN coalesce(k.due_day_at_pause, d.due_day) - l.received_day >= %(park_term_days)s
            THEN date_trunc('month', l.paused_day::timestamp)::date
    END,
    coalesce(
        coalesce(k.due_day_at_pause, d.due_day) - l.received_day >= %(park_term_days)s
        AND l.paused_day >= coalesce(k.due_day_at_pause, d.due_day) - 1,
        FALSE
    ),
    k.due_moved_at,
    k.late_moves,
    k.unexplained_moves,
    k.procedure_changed_at,
    m.withdrawn_at,
    coalesce(m.withdrawal_asked, FALSE),
    k.inquiries,
    k.last_inquiry_at,
    k.complained_at,
    m.skipped_at,
    m.odd_hours_at,
    m.day_off_at,
    CASE
        WHEN d.finished_at < d.received_at THEN d.finished_at
        WHEN d.returned_at < d.received_at THEN d.returned_at
        WHEN d.due_day < l.received_day THEN d.due_at
    END,
    CASE
        WHEN d.finished_at > %(as_of)s + interval '5 minutes' THEN d.finished_at
        WHEN d.received_at > %(as_of)s + interval '5 minutes' THEN d.received_at
    END,
    k.cleaned_time_at,
    k.cleaned,
    g.agency_code IS NOT NULL,
    k.register_ready_at,
    k.register_handed_at,
    -- A day before the calendar's first one is longer ago than any rule asks.
    CASE
        WHEN coalesce(m.last_occurred_at, '-infinity') >= coalesce(d.received_at, '-infinity')
            THEN greatest(a.today - coalesce(m.last_nth, 0), 0)
        ELSE greatest(a.today - coalesce(d.received_nth, 0), 0)
    END,
    CASE WHEN n.status_code = 9 AND m.result_at IS NOT NULL THEN greatest(a.today - coalesce(m.result_nth, 0), 0) END,
    d.due_nth - d.received_nth,
    CASE WHEN m.collected_at >= m.result_at THEN m.collected_nth - m.result_nth END,
    d.received_at,
    d.due_at,
    greatest(m.last_occurred_at, d.received_at),
    m.result_at,
    m.desk_result_at,
    m.collected_at,
    coalesce(
        n.status_code = 10 AND m.collected_at IS NOT NULL
        AND (
            m.result_at IS NULL
            OR m.collected_at - m.result_at BETWEEN interval '0' AND make_interval(secs => %(at_once_seconds)s)
        ),
        FALSE
    ),
    coalesce(d.due_day = l.received_day, FALSE),
    coalesce(s.told, FALSE),
    s.outcome,
    coalesce(m.desk_result_at >= a.enabled_from, FALSE),
    date_trunc('month', l.received_day::timestamp)::date,
    date_trunc('month', m.result_at AT TIME ZONE interval '+07:00')::date,
    date_trunc('month', m.desk_result_at AT TIME ZONE interval '+07:00')::date,
    date_trunc('month', m.collected_at AT TIME ZONE interval '+07:00')::date,
    d.procedure_code,
    d.source_id
FROM quality.dossiers AS d
INNER JOIN quality.agencies AS a ON d.agency_code = a.agency_code
LEFT JOIN quality.moves AS m
    ON d.dossier_id = m.dossier_id AND m.dossier_id >= %(low)s::bigint AND m.dossier_id < %(high)s::bigint
LEFT JOIN quality.result_messages AS s
    ON d.dossier_id = s.dossier_id AND s.dossier_id >= %(low)s::bigint AND s.dossier_id < %(high)s::bigint
LEFT JOIN marks AS k ON d.dossier_id = k.dossier_id
LEFT JOIN registers AS g ON d.source_id = g.source_id AND d.agency_code = g.agency_code
CROSS JOIN
    LATERAL (
        SELECT
        -- Of the row and the last transition the newer one decides: a source may write them apart.
            CASE
                WHEN m.last_recorded_at > coalesce(d.updated_at, '-infinity') THEN m.last_status ELSE d.status_code
            END AS status_code
    ) AS n
CROSS JOIN
    LATERAL (
        SELECT
            (d.received_at AT TIME ZONE interval '+07:00')::date AS received_day,
            (m.paused_at AT TIME ZONE interval '+07:00')::date AS paused_day
    ) AS l
LEFT JOIN quality.days AS supplement_from
    ON
        a.calendar = supplement_from.calendar
        AND (m.supplement_from AT TIME ZONE interval '+07:00')::date = supplement_from.day
WHERE d.dossier_id >= %(low)s::bigint AND d.dossier_id < %(high)s::bigint;

-- name: fill_agency_days
-- Transitions of each agency and source by day, of the last five working weeks.
INSERT INTO quality.agency_days (source_id, agency_code, day, changes)
SELECT t.source_id, d.agency_code, l.day, count(*)
FROM motcua.transitions AS t
INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
CROSS JOIN LATERAL (SELECT (t.occurred_at AT TIME ZONE interval '+07:00')::date AS day) AS l
WHERE
    NOT t.from_row
    AND t.occurred_at >= (
        SELECT min(n.day)::timestamp AT TIME ZONE interval '+07:00'
        FROM quality.days AS n
        INNER JOIN quality.agencies AS a ON n.calendar = a.calendar AND n.nth = a.today - 24 AND n.working
    )
GROUP BY t.source_id, d.agency_code, l.day;

-- name: fill_source_facts
-- Everything that the rules about sources look at: of each source, and of each agency in it. A working week is five
-- working days that are over; usual is the average of the four weeks before the last one.
INSERT INTO quality.source_facts (
    subject, source_id, agency_code, picked_up_at, hours_unread, failed_at, last_transition_at, silent_days, recent,
    usual, unknown_codes, unknown_since, unusable_rows, unusable_since, register_failure
)
WITH weeks AS (
    SELECT
        d.source_id,
        d.agency_code,
        min(a.today - coalesce(n.nth, a.today)) FILTER (WHERE d.changes > 0) AS silent_days,
        sum(d.changes) FILTER (WHERE n.nth > a.today - 5 AND d.day < %(day)s) AS recent,
        sum(d.changes) FILTER (WHERE n.nth > a.today - 25 AND n.nth <= a.today - 5) / 4.0 AS usual
    FROM quality.agency_days AS d
    INNER JOIN quality.agencies AS a ON d.agency_code = a.agency_code
    LEFT JOIN quality.days AS n ON a.calendar = n.calendar AND d.day = n.day
    GROUP BY GROUPING SETS ((d.source_id), (d.source_id, d.agency_code))
),

kept_out AS (
    SELECT
        q.source_id,
        count(*) FILTER (WHERE q.reason IN ('agency_unknown', 'status_unknown', 'code_unusable')) AS unknown_codes,
        min(q.first_seen_at) FILTER (WHERE q.reason IN ('agency_unknown', 'status_unknown', 'code_unusable'))
            AS unknown_since,
        count(*) FILTER (WHERE q.reason NOT IN ('agency_unknown', 'status_unknown', 'code_unusable')) AS unusable_rows,
        min(q.first_seen_at) FILTER (WHERE q.reason NOT IN ('agency_unknown', 'status_unknown', 'code_unusable'))
            AS unusable_since
    FROM motcua.quarantine AS q
    WHERE q.released_at IS NULL
    GROUP BY q.source_id
),

failures AS (
    SELECT r.source_id, max(r.failure) AS failure FROM quality.register_readings AS r GROUP BY r.source_id
)

SELECT
    s.name || coalesce(' ' || w.agency_code, ''),
    s.source_id,
    w.agency_code,
    s.picked_up_at,
    extract(EPOCH FROM %(as_of)s - s.picked_up_at) / 3600,
    s.failed_at,
    l.recorded_at,
    greatest(w.silent_days, 0),
    coalesce(w.recent, 0),
    coalesce(w.usual, 0),
    CASE WHEN w.agency_code IS NULL THEN coalesce(k.unknown_codes, 0) ELSE 0 END,
    k.unknown_since,
    CASE WHEN w.agency_code IS NULL THEN coalesce(k.unusable_rows, 0) ELSE 0 END,
    k.unusable_since,
    f.failure
FROM motcua.sources AS s
LEFT JOIN weeks AS w ON s.source_id = w.source_id
LEFT JOIN kept_out AS k ON s.source_id = k.source_id
LEFT JOIN failures AS f ON s.source_id = f.source_id
LEFT JOIN LATERAL (
    SELECT max(t.recorded_at) AS recorded_at FROM motcua.transitions AS t WHERE t.source_id = s.source_id
) AS l ON TRUE
WHERE s.name = any(%(sources)s);
