-- Everything that the rules about an agency's month look at, of the agency and of each of its procedures. What is usual
-- for a share is the greater of two: the median of the other agencies in that month, and what the other agencies' rates
-- for the same procedures would make of this agency's mix. Called by store/oversight/quality.py.
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
WHERE f.whole OR f.procedure_code <> ''
