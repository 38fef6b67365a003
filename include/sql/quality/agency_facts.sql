-- Compute the figures of agencies and months that the rules of data quality need. The rows that an SQL statement
-- returns are stored in the table of the schema quality that has the statement's name. A cell is the counts of one
-- agency, procedure and month. The statement agency_month_facts sums up the tables desk_cells and notice_cells. Called
-- by store/oversight/quality.py.

-- name: actor_days
-- Return the days on which a user of a source made at least r5_changes changes within r5_minutes minutes, late in the
-- day (motcua.transitions). Each row has the day's number of changes and the largest number within r5_minutes minutes.
-- To find candidate days at little cost, the query first counts changes in fixed spans of r5_minutes minutes. Any other
-- span of that length overlaps two fixed spans, and one of these two has at least half of the changes in that span.
WITH suspects AS MATERIALIZED (
    SELECT DISTINCT p.source_id, p.actor, p.day
    FROM (
        SELECT
            t.source_id,
            t.actor,
            (t.occurred_at AT TIME ZONE interval '+07:00')::date AS day
        FROM motcua.transitions AS t
        WHERE
            (t.occurred_at AT TIME ZONE interval '+07:00')::time >= make_time(%(r5_from_hour)s::integer, 0, 0)
            AND t.occurred_at >= %(since)s AND NOT t.from_row AND t.actor IS NOT NULL
        GROUP BY
            t.source_id,
            t.actor,
            (t.occurred_at AT TIME ZONE interval '+07:00')::date,
            date_part('epoch', t.occurred_at)::bigint / (60 * %(r5_minutes)s)::bigint
        HAVING count(*) >= %(r5_changes)s / 2.0
    ) AS p
),

changes AS (
    SELECT
        d.agency_code,
        t.actor,
        (t.occurred_at AT TIME ZONE interval '+07:00')::date AS day,
        t.occurred_at,
        (t.occurred_at AT TIME ZONE interval '+07:00')::time >= make_time(%(r5_from_hour)s::integer, 0, 0) AS is_late
    FROM motcua.transitions AS t
    INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
    WHERE
        NOT t.from_row
        -- The condition is not written as a join, because PostgreSQL's planner would then build a hash table of all
        -- transitions instead of the few days.
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
                    RANGE BETWEEN CURRENT ROW AND make_interval(mins => %(r5_minutes)s::integer) FOLLOWING -- noqa: PRS
                )
        END AS batch
    FROM changes AS c
)

SELECT b.agency_code, b.actor, b.day, max(b.changes) AS changes, max(b.batch) AS batch
FROM bursts AS b
GROUP BY b.agency_code, b.actor, b.day
HAVING max(b.batch) >= %(r5_changes)s;

-- name: usual_waits
-- Return how long the results of each procedure usually wait at the desk until citizens collect them: median and median
-- absolute deviation in working days (quality.dossier_facts). The waiting times are first grouped with their counts,
-- because only few different waiting times occur.
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

-- The median is the middle value, or the mean of the two middle values.
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
    ) / 2 AS deviation
FROM medians AS m
INNER JOIN deviations AS d ON m.procedure_code = d.procedure_code
GROUP BY m.procedure_code, m.collected, m.median;

-- name: desk_cells
-- Return by agency, procedure and month how many dossiers were received, reached a result, and had their result
-- collected (quality.dossier_facts).
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

-- A row of quick_shares has, for one agency and procedure, the share of results that were collected at once. Only
-- procedures with at least two shares above the limit r4_share are examined, because the median of three or more shares
-- exceeds the limit only if at least two shares do.
perhaps_quick AS (
    SELECT s.procedure_code
    FROM quick_shares AS s
    GROUP BY s.procedure_code
    HAVING count(*) FILTER (WHERE s.share > %(r4_share)s) >= 2
),

-- Find the procedures that are usually done while the citizen waits. The practice of other agencies decides which
-- procedures these are.
quick AS (
    SELECT q.agency_code, q.procedure_code
    FROM quick_shares AS q
    INNER JOIN perhaps_quick AS p ON q.procedure_code = p.procedure_code
    INNER JOIN quick_shares AS o ON q.procedure_code = o.procedure_code AND q.agency_code <> o.agency_code
    GROUP BY q.agency_code, q.procedure_code
    HAVING count(*) >= 3 AND percentile_cont(0.5) WITHIN GROUP (ORDER BY o.share) > %(r4_share)s
)

SELECT
    f.agency_code,
    f.procedure_code,
    f.received_month AS month,
    count(*) AS received,
    count(*) FILTER (WHERE f.textable) AS textable,
    0 AS results,
    0 AS uncollected,
    0 AS collected,
    0 AS at_once
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
    count(*) FILTER (WHERE f.waiting_days > %(r3m_days)s AND NOT f.ended),
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
    count(*) FILTER (WHERE f.collected_at_once)
FROM quality.dossier_facts AS f
LEFT JOIN quick AS q ON f.agency_code = q.agency_code AND f.procedure_code = q.procedure_code
WHERE f.collected_month >= %(since_day)s::date AND NOT f.same_day AND q.agency_code IS NULL
GROUP BY f.agency_code, f.procedure_code, f.collected_month;

-- name: notice_cells
-- Return by agency, procedure and month the number of pauses, the number of results that should have been texted, and
-- the number of beats (quality.dossier_facts). A pause begins with status 5, 6 or 8. A beat is a suspicious result: the
-- dossier got status 9 on the day or working day before its due day, in the last minutes before apologies for late
-- results are planned. Then it was reopened, or nobody collected the result until some days after the due date.
SELECT
    f.agency_code,
    f.procedure_code,
    date_trunc('month', f.beat_at AT TIME ZONE interval '+07:00')::date AS month,
    count(*) AS beats,
    0 AS pauses,
    0 AS late_pauses,
    0 AS expected,
    0 AS delivered,
    0 AS no_phone
FROM quality.dossier_facts AS f
WHERE f.beat_at IS NOT NULL
GROUP BY f.agency_code, f.procedure_code, date_trunc('month', f.beat_at AT TIME ZONE interval '+07:00')::date
UNION ALL
SELECT
    f.agency_code,
    f.procedure_code,
    f.pause_month,
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

-- name: agency_month_facts
-- Return all figures that the rules about an agency's month use, for each agency and for each of its procedures
-- (quality.desk_cells, quality.notice_cells). uncollected_usual, beats_usual and late_pauses_usual are the agency's
-- usual shares. A usual share is the greater of two shares. The first is the median of the other agencies' shares in
-- that month. The second is the share that this agency would have if each of its procedures had the other agencies'
-- share for this procedure.
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
    FROM (
        SELECT
            d.agency_code,
            d.month,
            d.procedure_code,
            d.received,
            d.textable,
            d.results,
            d.uncollected,
            d.collected,
            d.at_once,
            0 AS beats,
            0 AS pauses,
            0 AS late_pauses,
            0 AS expected,
            0 AS delivered,
            0 AS no_phone
        FROM quality.desk_cells AS d
        UNION ALL
        SELECT
            n.agency_code,
            n.month,
            n.procedure_code,
            0,
            0,
            0,
            0,
            0,
            0,
            n.beats,
            n.pauses,
            n.late_pauses,
            n.expected,
            n.delivered,
            n.no_phone
        FROM quality.notice_cells AS n
    ) AS c
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
    WHERE d.batch > %(r5_share)s * d.changes
    GROUP BY a.answers, date_trunc('month', d.day)::date
)

SELECT
    f.agency_code || ' ' || to_char(f.month, 'YYYY-MM') || CASE WHEN f.whole THEN '' ELSE ' ' || f.procedure_code END
        AS subject,
    f.agency_code,
    f.month,
    CASE WHEN NOT f.whole THEN f.procedure_code END AS procedure_code,
    f.received,
    f.textable,
    coalesce(p.received, 0) AS previous_received,
    coalesce(p.textable, 0) AS previous_textable,
    f.results,
    f.uncollected,
    u.share AS uncollected_usual,
    f.collected,
    f.at_once,
    f.beats,
    e.share AS beats_usual,
    f.pauses,
    f.late_pauses,
    l.share AS late_pauses_usual,
    coalesce(b.batch_days, 0) AS batch_days,
    coalesce(b.batch_users, 0) AS batch_users,
    coalesce(b.batch_changes, 0) AS batch_changes,
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

-- name: agency_counts
-- Return two pairs of counts for each agency that is in charge of dossiers (quality.ledger_counts,
-- quality.dossier_facts, quality.agency_month_facts). The library Great Expectations compares the two counts of a pair,
-- which must agree. The first pair is the number of dossiers in the ledger and in quality.dossier_facts. The second
-- pair is the number of dossiers received in the months that the check covers, counted one by one and as the sum of the
-- monthly figures.
SELECT
    c.agency_code,
    sum(c.in_ledger) AS in_ledger,
    sum(c.in_snapshot) AS in_snapshot,
    sum(c.received) AS received,
    sum(c.received_in_months) AS received_in_months
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
