-- Everything that the rules about dossiers look at, one row a dossier, of one part of them. Working days between two
-- events are those after the day of the first and up to the day of the second; those until now are the ones that are
-- over. Called by store/oversight/quality.py.
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
WHERE d.dossier_id >= %(low)s::bigint AND d.dossier_id < %(high)s::bigint
