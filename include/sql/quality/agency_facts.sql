-- Facts that rules about an agency's month look at: cells by procedure and month first, then what is made of them.
-- Called by store/oversight/quality.py.

-- name: count_desk_users
-- Dossiers by desk user (whoever made a dossier's first transition, by pseudonym) and month, and those of them that may
-- be texted.
WITH by_actor AS (
    SELECT
        f.agency_code,
        m.first_actor,
        f.received_month AS month,
        count(*) AS dossiers,
        count(*) FILTER (WHERE f.textable) AS textable
    FROM quality.dossier_facts AS f
    INNER JOIN quality.moves AS m ON f.dossier_id = m.dossier_id
    WHERE m.first_actor IS NOT NULL AND f.received_month >= %(since_day)s::date
    GROUP BY f.agency_code, m.first_actor, f.received_month
),

-- Each pseudonym is made once: it costs two hashes.
desk_users AS MATERIALIZED (
    SELECT n.agency_code, n.first_actor, motcua.desk_user(n.agency_code, n.first_actor) AS key
    FROM (SELECT DISTINCT a.agency_code, a.first_actor FROM by_actor AS a) AS n
)

SELECT
    a.agency_code,
    u.key,
    a.month,
    sum(a.dossiers)::integer AS dossiers,
    sum(a.textable)::integer AS textable
FROM by_actor AS a
INNER JOIN desk_users AS u ON a.agency_code = u.agency_code AND a.first_actor = u.first_actor
GROUP BY a.agency_code, u.key, a.month;

-- name: fill_actor_days
-- Users' days on which many changes came late in the day: how many changes the day had, and the most within a few
-- minutes late in it.
INSERT INTO quality.actor_days (agency_code, actor, day, changes, batch)
-- So many changes within some minutes leave half as many in one of two adjacent spans of as many minutes.
WITH suspects AS MATERIALIZED (
    SELECT DISTINCT p.source_id, p.actor, p.day
    FROM (
        SELECT
            t.source_id,
            t.actor,
            (t.occurred_at AT TIME ZONE interval '+07:00')::date AS day
        FROM motcua.transitions AS t
        WHERE
            (t.occurred_at AT TIME ZONE interval '+07:00')::time >= make_time(%(from_hour)s::integer, 0, 0)
            AND t.occurred_at >= %(since)s AND NOT t.from_row AND t.actor IS NOT NULL
        GROUP BY
            t.source_id,
            t.actor,
            (t.occurred_at AT TIME ZONE interval '+07:00')::date,
            date_part('epoch', t.occurred_at)::bigint / (60 * %(minutes)s)::bigint
        HAVING count(*) >= %(changes)s / 2.0
    ) AS p
),

changes AS (
    SELECT
        d.agency_code,
        t.actor,
        (t.occurred_at AT TIME ZONE interval '+07:00')::date AS day,
        t.occurred_at,
        (t.occurred_at AT TIME ZONE interval '+07:00')::time >= make_time(%(from_hour)s::integer, 0, 0) AS is_late
    FROM motcua.transitions AS t
    INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
    WHERE
        NOT t.from_row
        -- No join: the planner would hash all transitions for it, and not the few days.
        AND (t.source_id, t.actor, (t.occurred_at AT TIME ZONE interval '+07:00')::date) IN (
            SELECT p.source_id, p.actor, p.day FROM suspects AS p -- noqa: RF03
        )
),

bursts AS (
    SELECT
        c.agency_code,
        c.actor,
        c.day,
        count(*) OVER (PARTITION BY c.agency_code, c.actor, c.day) AS changes,
        CASE
            WHEN
                c.is_late
                THEN count(*) OVER (
                    PARTITION BY c.agency_code, c.actor, c.day
                    ORDER BY c.occurred_at
                    RANGE BETWEEN CURRENT ROW AND make_interval(mins => %(minutes)s::integer) FOLLOWING -- noqa: PRS
                )
        END AS batch
    FROM changes AS c
)

SELECT b.agency_code, b.actor, b.day, max(b.changes), max(b.batch)
FROM bursts AS b
GROUP BY b.agency_code, b.actor, b.day
HAVING max(b.batch) >= %(changes)s;

-- name: fill_desk_cells
-- By agency, procedure and month: what was received, came to a result and was collected; summed up in
-- fill_agency_month_facts.
INSERT INTO quality.month_cells (
    agency_code, procedure_code, month, received, textable, results, uncollected, collected, at_once, beats, pauses,
    late_pauses, expected, delivered, no_phone
)
WITH quick_shares AS (
    SELECT
        f.agency_code,
        f.procedure_code,
        count(*) FILTER (WHERE f.collected_at_once)::numeric / count(*) AS share
    FROM quality.dossier_facts AS f
    WHERE f.collected_month >= %(since_day)s::date AND NOT f.same_day
    GROUP BY f.agency_code, f.procedure_code
    HAVING count(*) >= 10
),

-- A median of at least three is above the line only where two of them are.
perhaps_quick AS (
    SELECT s.procedure_code
    FROM quick_shares AS s
    GROUP BY s.procedure_code
    HAVING count(*) FILTER (WHERE s.share > %(at_once_share)s) >= 2
),

-- Procedures that are done while the citizen waits, by what other agencies do with them.
quick AS (
    SELECT q.agency_code, q.procedure_code
    FROM quick_shares AS q
    INNER JOIN perhaps_quick AS p ON q.procedure_code = p.procedure_code
    INNER JOIN quick_shares AS o ON q.procedure_code = o.procedure_code AND q.agency_code <> o.agency_code
    GROUP BY q.agency_code, q.procedure_code
    HAVING count(*) >= 3 AND percentile_cont(0.5) WITHIN GROUP (ORDER BY o.share) > %(at_once_share)s
)

SELECT
    f.agency_code,
    f.procedure_code,
    f.received_month,
    count(*),
    count(*) FILTER (WHERE f.textable),
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0
FROM quality.dossier_facts AS f
WHERE f.received_month >= %(since_day)s::date
GROUP BY f.agency_code, f.procedure_code, f.received_month
UNION ALL
SELECT
    f.agency_code,
    f.procedure_code,
    f.result_month,
    0,
    0,
    count(*),
    count(*) FILTER (WHERE f.waiting_days > %(waiting_days)s AND NOT f.ended),
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0
FROM quality.dossier_facts AS f
WHERE f.result_month >= %(since_day)s::date
GROUP BY f.agency_code, f.procedure_code, f.result_month
UNION ALL
SELECT
    f.agency_code,
    f.procedure_code,
    f.collected_month,
    0,
    0,
    0,
    0,
    count(*),
    count(*) FILTER (WHERE f.collected_at_once),
    0,
    0,
    0,
    0,
    0,
    0
FROM quality.dossier_facts AS f
LEFT JOIN quick AS q ON f.agency_code = q.agency_code AND f.procedure_code = q.procedure_code
WHERE f.collected_month >= %(since_day)s::date AND NOT f.same_day AND q.agency_code IS NULL
GROUP BY f.agency_code, f.procedure_code, f.collected_month;

-- name: fill_notice_cells
-- By agency, procedure and month: moves in the last minutes before apologies, pauses, and results that should have been
-- told; summed up in fill_agency_month_facts.
INSERT INTO quality.month_cells (
    agency_code, procedure_code, month, received, textable, results, uncollected, collected, at_once, beats, pauses,
    late_pauses, expected, delivered, no_phone
)
SELECT
    f.agency_code,
    f.procedure_code,
    date_trunc('month', f.beat_at AT TIME ZONE interval '+07:00')::date,
    0,
    0,
    0,
    0,
    0,
    0,
    count(*),
    0,
    0,
    0,
    0,
    0
FROM quality.dossier_facts AS f
WHERE f.beat_at IS NOT NULL
GROUP BY f.agency_code, f.procedure_code, date_trunc('month', f.beat_at AT TIME ZONE interval '+07:00')::date
UNION ALL
SELECT
    f.agency_code,
    f.procedure_code,
    f.pause_month,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    count(*),
    count(*) FILTER (WHERE f.paused_late),
    0,
    0,
    0
FROM quality.dossier_facts AS f
WHERE f.pause_month IS NOT NULL
GROUP BY f.agency_code, f.procedure_code, f.pause_month
UNION ALL
SELECT
    f.agency_code,
    f.procedure_code,
    f.desk_result_month,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    count(*),
    count(*) FILTER (WHERE f.result_message = 'delivered'),
    count(*) FILTER (WHERE f.result_message = 'no_phone')
FROM quality.dossier_facts AS f
WHERE
    f.desk_result_month >= %(since_day)s::date AND f.enabled
    AND coalesce(
        f.result_message NOT IN ('pending', 'off', 'cancelled'),
        f.desk_result_at < %(as_of)s::timestamptz - interval '1 hour'
    )
GROUP BY f.agency_code, f.procedure_code, f.desk_result_month;

-- name: fill_agency_month_facts
-- Everything that the rules about an agency's month look at, of the agency and of each of its procedures. What is usual
-- for a share is the greater of two: the median of the other agencies in that month, and what the other agencies' rates
-- for the same procedures would make of this agency's mix.
INSERT INTO quality.agency_month_facts (
    subject, agency_code, month, procedure_code, received, textable, previous_received, previous_textable, results,
    uncollected, uncollected_usual, collected, at_once, beats, beats_usual, pauses, late_pauses, late_pauses_usual,
    batch_days, batch_users, batch_changes, expected, delivered, no_phone
)
WITH by_cell AS MATERIALIZED (
    SELECT
        c.agency_code,
        c.month,
        c.procedure_code,
        sum(c.received)::integer AS received,
        sum(c.textable)::integer AS textable,
        sum(c.results)::integer AS results,
        sum(c.uncollected)::integer AS uncollected,
        sum(c.collected)::integer AS collected,
        sum(c.at_once)::integer AS at_once,
        sum(c.beats)::integer AS beats,
        sum(c.pauses)::integer AS pauses,
        sum(c.late_pauses)::integer AS late_pauses,
        sum(c.expected)::integer AS expected,
        sum(c.delivered)::integer AS delivered,
        sum(c.no_phone)::integer AS no_phone
    FROM quality.month_cells AS c
    GROUP BY c.agency_code, c.month, c.procedure_code
),

figures AS (
    SELECT
        c.agency_code,
        c.month,
        coalesce(c.procedure_code, '') AS procedure_code,
        grouping(c.procedure_code) = 1 AS whole,
        sum(c.received) AS received,
        sum(c.textable) AS textable,
        sum(c.results) AS results,
        sum(c.uncollected) AS uncollected,
        sum(c.collected) AS collected,
        sum(c.at_once) AS at_once,
        sum(c.beats) AS beats,
        sum(c.pauses) AS pauses,
        sum(c.late_pauses) AS late_pauses,
        sum(c.expected) AS expected,
        sum(c.delivered) AS delivered,
        sum(c.no_phone) AS no_phone
    FROM by_cell AS c
    GROUP BY GROUPING SETS ((c.agency_code, c.month), (c.agency_code, c.month, c.procedure_code))
),

measures AS (
    SELECT c.agency_code, c.month, c.procedure_code, v.measure, v.cases, v.of_all
    FROM by_cell AS c
    CROSS JOIN
        LATERAL (
            VALUES
            ('uncollected', c.uncollected, c.results),
            ('beats', c.beats, c.results),
            ('late_pauses', c.late_pauses, c.pauses)
        ) AS v (measure, cases, of_all)
    WHERE v.of_all > 0 OR v.cases > 0
),

by_agency AS (
    SELECT m.measure, m.agency_code, m.month, sum(m.cases) AS cases, sum(m.of_all) AS of_all
    FROM measures AS m
    GROUP BY m.measure, m.agency_code, m.month
),

medians AS (
    SELECT
        b.measure,
        b.agency_code,
        b.month,
        coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY o.cases::numeric / o.of_all), 0)::numeric AS median
    FROM by_agency AS b
    LEFT JOIN by_agency AS o
        ON
            b.measure = o.measure AND b.month = o.month AND b.agency_code <> o.agency_code
            AND o.of_all >= CASE o.measure WHEN 'late_pauses' THEN 10 ELSE 30 END
    GROUP BY b.measure, b.agency_code, b.month
),

by_procedure AS (
    SELECT m.measure, m.agency_code, m.procedure_code, sum(m.cases) AS cases, sum(m.of_all) AS of_all
    FROM measures AS m
    GROUP BY m.measure, m.agency_code, m.procedure_code
),

rates AS (
    SELECT
        p.measure,
        p.agency_code,
        p.procedure_code,
        CASE WHEN t.of_all - p.of_all >= 30 THEN (t.cases - p.cases) / (t.of_all - p.of_all) END AS rate
    FROM by_procedure AS p
    INNER JOIN (
        SELECT o.measure, o.procedure_code, sum(o.cases) AS cases, sum(o.of_all) AS of_all
        FROM by_procedure AS o
        GROUP BY o.measure, o.procedure_code
    ) AS t ON p.measure = t.measure AND p.procedure_code = t.procedure_code
),

usual AS (
    SELECT
        m.measure,
        m.agency_code,
        m.month,
        greatest(
            max(d.median),
            sum(m.of_all * coalesce(r.rate, d.median)) / nullif(sum(m.of_all), 0)
        ) AS share
    FROM measures AS m
    INNER JOIN medians AS d ON m.measure = d.measure AND m.agency_code = d.agency_code AND m.month = d.month
    INNER JOIN rates AS r
        ON m.measure = r.measure AND m.agency_code = r.agency_code AND m.procedure_code = r.procedure_code
    GROUP BY m.measure, m.agency_code, m.month
),

batches AS (
    SELECT
        a.answers AS agency_code,
        date_trunc('month', d.day)::date AS month,
        count(*) AS batch_days,
        count(DISTINCT d.actor) AS batch_users,
        sum(d.batch) AS batch_changes
    FROM quality.actor_days AS d
    INNER JOIN quality.agencies AS a ON d.agency_code = a.agency_code
    WHERE d.batch > %(share)s * d.changes
    GROUP BY a.answers, date_trunc('month', d.day)::date
)

SELECT
    f.agency_code || ' ' || to_char(f.month, 'YYYY-MM') || CASE WHEN f.whole THEN '' ELSE ' ' || f.procedure_code END,
    f.agency_code,
    f.month,
    CASE WHEN NOT f.whole THEN f.procedure_code END,
    f.received,
    f.textable,
    coalesce(p.received, 0),
    coalesce(p.textable, 0),
    f.results,
    f.uncollected,
    u.share,
    f.collected,
    f.at_once,
    f.beats,
    e.share,
    f.pauses,
    f.late_pauses,
    l.share,
    coalesce(b.batch_days, 0),
    coalesce(b.batch_users, 0),
    coalesce(b.batch_changes, 0),
    f.expected,
    f.delivered,
    f.no_phone
FROM figures AS f
LEFT JOIN figures AS p
    ON
        f.agency_code = p.agency_code AND f.whole = p.whole AND f.procedure_code = p.procedure_code
        AND p.month = (f.month - interval '1 month')::date
LEFT JOIN usual AS u
    ON f.whole AND u.measure = 'uncollected' AND f.agency_code = u.agency_code AND f.month = u.month
LEFT JOIN usual AS e ON f.whole AND e.measure = 'beats' AND f.agency_code = e.agency_code AND f.month = e.month
LEFT JOIN usual AS l ON f.whole AND l.measure = 'late_pauses' AND f.agency_code = l.agency_code AND f.month = l.month
LEFT JOIN batches AS b ON f.whole AND f.agency_code = b.agency_code AND f.month = b.month
WHERE f.whole OR f.procedure_code <> '';

-- name: fill_agency_counts
-- What must be the same of each agency in charge, for Great Expectations to judge: dossiers in the ledger and in the
-- snapshot, and those received in the months looked at one by one and in the sums of the months.
INSERT INTO quality.agency_counts (agency_code, in_ledger, in_snapshot, received, received_in_months)
SELECT
    c.agency_code,
    sum(c.in_ledger),
    sum(c.in_snapshot),
    sum(c.received),
    sum(c.received_in_months)
FROM (
    SELECT l.agency_code, l.dossiers AS in_ledger, 0 AS in_snapshot, 0 AS received, 0 AS received_in_months
    FROM quality.ledger_counts AS l
    UNION ALL
    SELECT f.agency_code, 0, count(*), count(*) FILTER (WHERE f.received_month >= %(since_day)s::date), 0
    FROM quality.dossier_facts AS f
    GROUP BY f.agency_code
    UNION ALL
    SELECT m.agency_code, 0, 0, 0, sum(m.received)
    FROM quality.agency_month_facts AS m
    WHERE m.procedure_code IS NULL AND m.month >= %(since_day)s::date
    GROUP BY m.agency_code
) AS c
GROUP BY c.agency_code;
