-- Compute the facts (values to which the rules of data quality are applied) that depend only on a dossier's own row and
-- transitions. A recheck of a single dossier runs these SQL statements too. The rows that a statement returns are
-- stored in the table of the schema quality that has the statement's name. The statement own_facts fills no table: it
-- is a part of the statement quality/marks/dossier_facts. Called by store/oversight/quality.py and store/rechecks.py.

-- name: dossiers
-- Return the dossiers that have not ended, and those received or changed since the beginning of the first month that
-- the check covers (motcua.dossiers). The column answers is the agency now in charge of the dossier. The column eve is
-- the last working day before the due day.
SELECT
    d.dossier_id,
    d.agency_code,
    a.answers,
    d.source_id,
    coalesce(d.procedure_code, '') AS procedure_code,
    d.status_code,
    d.received_at,
    received.nth AS received_nth,
    d.due_at,
    due.day AS due_day,
    due.nth AS due_nth,
    due.working AS due_working,
    due.previous_working_day AS eve,
    d.finished_at,
    d.returned_at,
    d.updated_at,
    -- A dossier is textable if its phone field has a number that may be texted. The dossier stays textable after the
    -- purge emptied this number.
    d.phone_refusal IS NULL AS textable,
    d.phone_refusal,
    nullif(d.phone_notes, '{}') AS phone_notes
FROM motcua.dossiers AS d
INNER JOIN quality.agencies AS a ON d.agency_code = a.agency_code
LEFT JOIN quality.days AS due
    ON a.calendar = due.calendar AND (d.due_at AT TIME ZONE interval '+07:00')::date = due.day
LEFT JOIN quality.days AS received
    ON a.calendar = received.calendar AND (d.received_at AT TIME ZONE interval '+07:00')::date = received.day
WHERE
    coalesce(d.status_code NOT IN (3, 7, 10), TRUE)
    OR d.received_at >= %(since)s
    OR coalesce(d.updated_at >= %(since)s, TRUE);

-- name: moves
-- Return the events that the transitions of each dossier show, computed in one pass (motcua.transitions). The result
-- covers one of the two parts into which quality/snapshot/middle divides the dossiers. Results (status 9), collections
-- (status 10) and the last transition may be of any time. Other events count only from the beginning of the first month
-- that the check covers. An old step (a transition typed in late) is left out unless the dossier's row confirmed it. If
-- the last transition is an old step, last_recorded_at is -infinity, so that own_facts takes the status from the row.
-- Times are computed with the fixed offset UTC+7, because a named time zone takes four times as long.
WITH ordered AS (
    SELECT
        t.dossier_id,
        t.status_code,
        t.at_one_stop_desk AS desk,
        t.occurred_at,
        t.recorded_at,
        t.from_row,
        p.transition_id IS NOT NULL AS is_old,
        t.actor,
        y.nth,
        y.working,
        (t.occurred_at AT TIME ZONE interval '+07:00')::time AS clock,
        CASE t.status_code
            WHEN 9
                THEN
                    t.note ~ (
                        '[Bb]([Ổổ]|[Oo]) [Ss][Uu][Nn][Gg]|[Tt][Hh][Ii][Ếế][Uu]'
                        '|[Hh][Oo]([Àà]|[Aa])[Nn] [Tt][Hh][Ii]([Ệệ]|[Ee])[Nn]'
                    )
            WHEN 7 THEN t.note ~ (
                '[Cc]([Ôô]|[Oo])[Nn][Gg] [Dd]([Ââ]|[Aa])[Nn]|[Đđ][Ơơ][Nn]|([Đđ][Ềề]|[Dd][Ee]) [Nn][Gg][Hh]([Ịị]|[Ii])'
                '|[Xx][Ii][Nn] [Rr]([Úú]|[Uu])[Tt]|[Cc][Hh][Ủủ] [Hh][Ồồ] [Ss][Ơơ]|[Nn][Gg][Ưư][Ờờ][Ii] [Nn][Ộộ][Pp]'
            )
        END AS note_says,
        lag(t.status_code) OVER w AS status_before,
        lag(t.at_one_stop_desk) OVER w AS desk_before,
        lag(t.occurred_at) OVER w AS before_at,
        lag(t.status_code, 2) OVER w AS status_before_that,
        lead(t.status_code) OVER w IS NULL AS is_last
    FROM motcua.transitions AS t
    INNER JOIN (
        SELECT d.dossier_id, a.calendar
        FROM motcua.dossiers AS d
        INNER JOIN quality.agencies AS a ON d.agency_code = a.agency_code
        WHERE
            d.dossier_id >= %(low)s::bigint AND d.dossier_id < %(high)s::bigint
            AND (
                coalesce(d.status_code NOT IN (3, 7, 10), TRUE)
                OR d.received_at >= %(since)s
                OR coalesce(d.updated_at >= %(since)s, TRUE)
            )
    ) AS s ON t.dossier_id = s.dossier_id
    LEFT JOIN quality.days AS y
        ON s.calendar = y.calendar AND (t.occurred_at AT TIME ZONE interval '+07:00')::date = y.day
    LEFT JOIN motcua.old_steps AS p ON t.transition_id = p.transition_id
    WHERE
        t.dossier_id >= %(low)s::bigint AND t.dossier_id < %(high)s::bigint
        AND coalesce(p.has_force, p.transition_id IS NULL)
    WINDOW w AS (PARTITION BY t.dossier_id ORDER BY t.sequence, t.from_row, t.transition_id)
)

SELECT
    o.dossier_id,
    max(o.status_code) FILTER (WHERE o.is_last) AS last_status,
    coalesce(max(o.recorded_at) FILTER (WHERE o.is_last AND NOT o.is_old), '-infinity') AS last_recorded_at,
    max(o.occurred_at) AS last_occurred_at,
    max(o.nth) AS last_nth,
    max(o.actor) FILTER (WHERE o.before_at IS NULL) AS first_actor,
    max(o.occurred_at) FILTER (WHERE o.status_code = 9 AND o.status_before IS DISTINCT FROM 9) AS result_at,
    max(o.nth) FILTER (WHERE o.status_code = 9 AND o.status_before IS DISTINCT FROM 9) AS result_nth,
    max(o.occurred_at) FILTER (
        WHERE o.status_code = 9 AND o.desk AND NOT coalesce(o.status_before = 9 AND o.desk_before, FALSE)
    ) AS desk_result_at,
    max(o.occurred_at) FILTER (WHERE o.status_code = 10 AND o.status_before IS DISTINCT FROM 10) AS collected_at,
    max(o.nth) FILTER (WHERE o.status_code = 10 AND o.status_before IS DISTINCT FROM 10) AS collected_nth,
    max(o.occurred_at) FILTER (
        WHERE
        o.status_code IN (2, 4, 5, 6, 8)
        AND (
            o.status_before IN (9, 10) OR (o.status_before IN (1, 3, 7) AND o.status_before_that IN (9, 10))
        )
        AND o.occurred_at >= %(since)s
    ) AS reopened_at,
    max(o.occurred_at) FILTER (WHERE o.status_code = 5 AND o.status_before = 9 AND o.occurred_at >= %(since)s)
        AS supplement_at,
    max(o.nth) FILTER (WHERE o.status_code = 5 AND o.status_before = 9 AND o.occurred_at >= %(since)s)
        AS supplement_nth,
    max(o.before_at) FILTER (WHERE o.status_code = 5 AND o.status_before = 9 AND o.occurred_at >= %(since)s)
        AS supplement_from,
    max(o.occurred_at) FILTER (WHERE o.status_code = 9 AND o.note_says AND o.occurred_at >= %(since)s)
        AS result_note_at,
    max(o.occurred_at) FILTER (
        WHERE
        o.status_code = 9 AND o.status_before IS DISTINCT FROM 9 AND o.occurred_at >= %(since)s
        AND o.clock >= '16:45' AND o.clock < '17:30'
    ) AS evening_at,
    max(o.occurred_at) FILTER (
        WHERE o.status_code = 7 AND o.status_before IS DISTINCT FROM 7 AND o.occurred_at >= %(since)s
    ) AS withdrawn_at,
    coalesce(bool_or(o.note_says) FILTER (WHERE o.status_code = 7), FALSE) AS withdrawal_asked,
    max(o.occurred_at) FILTER (
        WHERE
        o.status_code IN (5, 6, 8) AND coalesce(o.status_before NOT IN (5, 6, 8), TRUE)
        AND o.occurred_at >= %(since)s
    ) AS paused_at,
    max(o.occurred_at) FILTER (
        WHERE
        o.status_code = 9 AND o.status_before = 2 AND NOT o.from_row AND o.occurred_at >= %(since)s
        AND o.occurred_at - o.before_at <= make_interval(secs => %(r10_skip_seconds)s)
    ) AS skipped_at,
    max(o.occurred_at) FILTER (
        WHERE
        o.occurred_at >= %(since)s AND NOT o.from_row AND o.status_code NOT IN (1, 7)
        AND (
            o.clock >= make_time(%(r10_night_from)s::integer, 0, 0)
            OR o.clock < make_time(%(r10_night_until)s::integer, 0, 0)
        )
    ) AS odd_hours_at,
    max(o.occurred_at) FILTER (
        WHERE o.occurred_at >= %(since)s AND NOT o.from_row AND o.status_code NOT IN (1, 7) AND NOT o.working
    ) AS day_off_at
FROM ordered AS o
GROUP BY o.dossier_id;

-- name: own_facts
-- Return the facts that depend only on a dossier's own row and transitions (quality.dossiers, quality.moves,
-- quality.agencies). The result covers one of the two parts into which quality/snapshot/middle divides the dossiers.
-- Days between two events are working days after the day of the first event, up to the day of the second event. The
-- columns idle_days and waiting_days count the working days after the day of an event, up to the day before the check.
SELECT
    d.dossier_id,
    d.answers AS agency_code,
    n.status_code,
    coalesce(n.status_code IN (3, 7, 10), FALSE)
    OR coalesce(d.returned_at <= %(as_of)s AND coalesce(m.last_occurred_at <= d.returned_at, TRUE), FALSE) AS ended,
    d.textable,
    NOT d.due_working AS due_on_day_off,
    d.phone_refusal,
    d.phone_notes,
    m.reopened_at,
    m.supplement_at,
    CASE WHEN m.supplement_at IS NOT NULL THEN m.supplement_nth - supplement_from.nth END AS supplement_days,
    m.result_note_at,
    CASE
        WHEN
            m.evening_at IS NOT NULL
            AND (m.evening_at AT TIME ZONE interval '+07:00')::date IN (d.due_day - 1, d.eve)
            AND (
                m.reopened_at > m.evening_at
                OR coalesce(m.collected_at, %(as_of)s) > d.due_at + make_interval(days => %(r6_days)s::integer)
            )
            THEN m.evening_at
    END AS beat_at,
    m.paused_at,
    m.withdrawn_at,
    coalesce(m.withdrawal_asked, FALSE) AS withdrawal_asked,
    m.skipped_at,
    m.odd_hours_at,
    m.day_off_at,
    CASE
        WHEN d.finished_at < d.received_at THEN d.finished_at
        WHEN d.returned_at < d.received_at THEN d.returned_at
        WHEN d.due_day < l.received_day THEN d.due_at
    END AS before_receipt_at,
    CASE
        WHEN d.finished_at > %(as_of)s + interval '5 minutes' THEN d.finished_at
        WHEN d.received_at > %(as_of)s + interval '5 minutes' THEN d.received_at
    END AS in_future_at,
    -- If an event happened before the first day of the calendar, its day has no number and counts as day 0. No rule
    -- needs the exact number of days since such an event.
    CASE
        WHEN coalesce(m.last_occurred_at, '-infinity') >= coalesce(d.received_at, '-infinity')
            THEN greatest(a.today - coalesce(m.last_nth, 0), 0)
        ELSE greatest(a.today - coalesce(d.received_nth, 0), 0)
    END AS idle_days,
    CASE WHEN n.status_code = 9 AND m.result_at IS NOT NULL THEN greatest(a.today - coalesce(m.result_nth, 0), 0) END
        AS waiting_days,
    d.due_nth - d.received_nth AS term_days,
    CASE WHEN m.collected_at >= m.result_at THEN m.collected_nth - m.result_nth END AS pickup_days,
    d.received_at,
    l.received_day,
    d.due_at,
    d.due_day,
    greatest(m.last_occurred_at, d.received_at) AS last_event_at,
    m.result_at,
    m.result_nth,
    m.desk_result_at,
    m.collected_at,
    coalesce(
        n.status_code = 10 AND m.collected_at IS NOT NULL
        AND (
            m.result_at IS NULL
            OR m.collected_at - m.result_at BETWEEN interval '0' AND make_interval(secs => %(r4_seconds)s)
        ),
        FALSE
    ) AS collected_at_once,
    coalesce(d.due_day = l.received_day, FALSE) AS same_day,
    coalesce(m.desk_result_at >= a.enabled_from, FALSE) AS enabled,
    date_trunc('month', l.received_day::timestamp)::date AS received_month,
    date_trunc('month', m.result_at AT TIME ZONE interval '+07:00')::date AS result_month,
    date_trunc('month', m.desk_result_at AT TIME ZONE interval '+07:00')::date AS desk_result_month,
    date_trunc('month', m.collected_at AT TIME ZONE interval '+07:00')::date AS collected_month,
    d.procedure_code,
    d.source_id,
    d.agency_code AS desk_agency_code
FROM quality.dossiers AS d
INNER JOIN quality.agencies AS a ON d.agency_code = a.agency_code
LEFT JOIN quality.moves AS m
    ON d.dossier_id = m.dossier_id AND m.dossier_id >= %(low)s::bigint AND m.dossier_id < %(high)s::bigint
CROSS JOIN
    LATERAL (
        SELECT
            -- The row and the last transition may disagree because a source can write them at different times. The
            -- newer one gives the status.
            CASE
                WHEN m.last_recorded_at > coalesce(d.updated_at, '-infinity') THEN m.last_status ELSE d.status_code
            END AS status_code
    ) AS n
CROSS JOIN LATERAL (SELECT (d.received_at AT TIME ZONE interval '+07:00')::date AS received_day) AS l
LEFT JOIN quality.days AS supplement_from
    ON
        a.calendar = supplement_from.calendar
        AND (m.supplement_from AT TIME ZONE interval '+07:00')::date = supplement_from.day
WHERE d.dossier_id >= %(low)s::bigint AND d.dossier_id < %(high)s::bigint;
