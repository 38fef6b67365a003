-- What a run of checks sees of the ledger, all at one moment, in tables of schema quality that are filled anew each
-- time. Called by store/oversight/quality.py.

-- name: set_up
-- Memory for this transaction's large sorts and joins, no compiling of queries that are run once, and no merge joins:
-- sorting millions of rows for one costs many times what hashing them does. Nested loops are switched off where the
-- planner cannot know how many rows there are, and hours would be lost by its mistake. A few thousand rows out of
-- millions are looked up by their index: a page out of order costs a disk of today, or the server's memory, hardly more
-- than the next one.
SELECT
    set_config('work_mem', '96MB', TRUE),
    set_config('jit', 'off', TRUE),
    set_config('random_page_cost', '1.1', TRUE),
    set_config('enable_mergejoin', 'off', TRUE),
    set_config('enable_nestloop', %(nested_loops)s, TRUE);

-- name: export_moment
-- Lets other connections see what this transaction sees.
SELECT pg_export_snapshot() AS moment;

-- name: begin_snapshot
-- Empties the snapshot.
SELECT quality.begin_snapshot();

-- name: middle
-- A number in the middle of those of the dossiers that are looked at, as in fill_dossiers.
SELECT avg(d.dossier_id)::bigint AS middle
FROM motcua.dossiers AS d
WHERE
    coalesce(d.status_code NOT IN (3, 7, 10), TRUE)
    OR d.received_at >= %(since)s
    OR coalesce(d.updated_at >= %(since)s, TRUE);

-- name: fill_edited
-- Dossiers whose versions differ in due date or procedure; of procedures only hashes are compared, which costs a third.
INSERT INTO quality.edited (dossier_id)
SELECT v.dossier_id
FROM motcua.dossier_versions AS v
GROUP BY v.dossier_id
HAVING
    min(v.due_at) <> max(v.due_at)
    OR min(hashtextextended(v.procedure_code, 0)) <> max(hashtextextended(v.procedure_code, 0));

-- name: look_at_edited
-- Has the planner learn how few dossiers were edited.
SELECT quality.look_at('edited', 'dossier_id');

-- name: fill_dossiers
-- The dossiers that are looked at: not ended, or received or changed since the first of the months. Eve is the last
-- working day before the appointed one.
INSERT INTO quality.dossiers (
    dossier_id, agency_code, answers, source_id, procedure_code, status_code, received_at, received_nth, due_at,
    due_day, due_nth, due_working, eve, finished_at, returned_at, updated_at, textable, phone_refusal, phone_notes
)
SELECT
    d.dossier_id,
    d.agency_code,
    a.answers,
    d.source_id,
    coalesce(d.procedure_code, ''),
    d.status_code,
    d.received_at,
    received.nth,
    d.due_at,
    due.day,
    due.nth,
    due.working,
    due.previous_working_day,
    d.finished_at,
    d.returned_at,
    d.updated_at,
    -- Also of one whose number was emptied since.
    d.phone_refusal IS NULL,
    d.phone_refusal,
    nullif(d.phone_notes, '{}')
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

-- name: fill_moves
-- What the transitions of each dossier say, in one pass over one part of the dossiers; events count from the first of
-- the months on. An old step counts where the dossier's row agreed with it; that the row says what is last, then, its
-- time of recording tells, which is before any. Times are Vietnam's, UTC+7 all the year: by its name the zone costs
-- four times as much.
INSERT INTO quality.moves (
    dossier_id, last_status, last_recorded_at, last_occurred_at, last_nth, first_actor, result_at, result_nth,
    desk_result_at, collected_at, collected_nth, reopened_at, supplement_at, supplement_nth, supplement_from,
    result_note_at, evening_at, withdrawn_at, withdrawal_asked, paused_at, skipped_at, odd_hours_at, day_off_at
)
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
    max(o.status_code) FILTER (WHERE o.is_last),
    coalesce(max(o.recorded_at) FILTER (WHERE o.is_last AND NOT o.is_old), '-infinity'),
    max(o.occurred_at),
    max(o.nth),
    max(o.actor) FILTER (WHERE o.before_at IS NULL),
    max(o.occurred_at) FILTER (WHERE o.status_code = 9 AND o.status_before IS DISTINCT FROM 9),
    max(o.nth) FILTER (WHERE o.status_code = 9 AND o.status_before IS DISTINCT FROM 9),
    max(o.occurred_at) FILTER (
        WHERE o.status_code = 9 AND o.desk AND NOT coalesce(o.status_before = 9 AND o.desk_before, FALSE)
    ),
    max(o.occurred_at) FILTER (WHERE o.status_code = 10 AND o.status_before IS DISTINCT FROM 10),
    max(o.nth) FILTER (WHERE o.status_code = 10 AND o.status_before IS DISTINCT FROM 10),
    max(o.occurred_at) FILTER (
        WHERE
        o.status_code IN (2, 4, 5, 6, 8)
        AND (
            o.status_before IN (9, 10) OR (o.status_before IN (1, 3, 7) AND o.status_before_that IN (9, 10))
        )
        AND o.occurred_at >= %(since)s
    ),
    max(o.occurred_at) FILTER (WHERE o.status_code = 5 AND o.status_before = 9 AND o.occurred_at >= %(since)s),
    max(o.nth) FILTER (WHERE o.status_code = 5 AND o.status_before = 9 AND o.occurred_at >= %(since)s),
    max(o.before_at) FILTER (WHERE o.status_code = 5 AND o.status_before = 9 AND o.occurred_at >= %(since)s),
    max(o.occurred_at) FILTER (WHERE o.status_code = 9 AND o.note_says AND o.occurred_at >= %(since)s),
    max(o.occurred_at) FILTER (
        WHERE
        o.status_code = 9 AND o.status_before IS DISTINCT FROM 9 AND o.occurred_at >= %(since)s
        AND o.clock >= '16:45' AND o.clock < '17:30'
    ),
    max(o.occurred_at) FILTER (
        WHERE o.status_code = 7 AND o.status_before IS DISTINCT FROM 7 AND o.occurred_at >= %(since)s
    ),
    coalesce(bool_or(o.note_says) FILTER (WHERE o.status_code = 7), FALSE),
    max(o.occurred_at) FILTER (
        WHERE
        o.status_code IN (5, 6, 8) AND coalesce(o.status_before NOT IN (5, 6, 8), TRUE)
        AND o.occurred_at >= %(since)s
    ),
    max(o.occurred_at) FILTER (
        WHERE
        o.status_code = 9 AND o.status_before = 2 AND NOT o.from_row AND o.occurred_at >= %(since)s
        AND o.occurred_at - o.before_at <= make_interval(secs => %(skip_seconds)s)
    ),
    max(o.occurred_at) FILTER (
        WHERE
        o.occurred_at >= %(since)s AND NOT o.from_row AND o.status_code NOT IN (1, 7)
        AND (
            o.clock >= make_time(%(night_from)s::integer, 0, 0)
            OR o.clock < make_time(%(night_until)s::integer, 0, 0)
        )
    ),
    max(o.occurred_at) FILTER (
        WHERE o.occurred_at >= %(since)s AND NOT o.from_row AND o.status_code NOT IN (1, 7) AND NOT o.working
    )
FROM ordered AS o
GROUP BY o.dossier_id;

-- name: fill_result_messages
-- What became of each dossier's result messages.
INSERT INTO quality.result_messages (dossier_id, told, outcome)
SELECT
    m.dossier_id,
    bool_or(m.accepted_at IS NOT NULL),
    CASE
        WHEN bool_or(m.state = 'delivered') THEN 'delivered'
        WHEN bool_or(m.state IN ('queued', 'sending', 'unknown', 'accepted')) THEN 'pending'
        WHEN bool_or(m.state = 'suppressed' AND m.reason IN ('kind_off', 'same_day', 'already_told')) THEN 'off'
        WHEN bool_and(m.state = 'cancelled') THEN 'cancelled'
        WHEN bool_or(m.state = 'suppressed') THEN 'no_phone'
        ELSE 'failed'
    END
FROM motcua.messages AS m
WHERE m.kind = 'result' AND m.dossier_id IS NOT NULL
GROUP BY m.dossier_id;

-- name: count_ledger
-- How many dossiers each agency in charge has that are to be looked at, by the ledger alone: what the snapshot is held
-- against. The condition is that of fill_dossiers, without its joins.
INSERT INTO quality.ledger_counts (agency_code, dossiers)
SELECT coalesce(i.in_charge, l.agency_code), sum(l.dossiers)
FROM (
    SELECT d.agency_code, count(*) AS dossiers
    FROM motcua.dossiers AS d
    WHERE
        coalesce(d.status_code NOT IN (3, 7, 10), TRUE)
        OR d.received_at >= %(since)s
        OR coalesce(d.updated_at >= %(since)s, TRUE)
    GROUP BY d.agency_code
) AS l
LEFT JOIN motcua.agencies_on(%(day)s::date) AS i ON l.agency_code = i.agency_code
GROUP BY coalesce(i.in_charge, l.agency_code);

-- name: look_at
-- Has the planner learn how much there is in a table of the snapshot.
SELECT quality.look_at(%(table_name)s, %(column_name)s);
