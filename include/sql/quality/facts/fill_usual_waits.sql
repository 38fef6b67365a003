-- How long results of each procedure usually wait at the desk, by those that were collected: median and median absolute
-- deviation, of the few lengths that there are and how often each came. Called by store/oversight/quality.py.
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
GROUP BY m.procedure_code, m.collected, m.median
