-- How long results of each procedure usually wait at the desk, by those that were collected. Called by
-- store/quality.py.
INSERT INTO quality.usual_waits (procedure_code, collected, median, deviation)
WITH medians AS (
    SELECT
        f.procedure_code,
        count(*) AS collected,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY f.pickup_days) AS median
    FROM quality.dossier_facts AS f
    WHERE f.pickup_days IS NOT NULL
    GROUP BY f.procedure_code
)

SELECT
    m.procedure_code,
    m.collected,
    m.median,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(f.pickup_days - m.median))
FROM medians AS m
INNER JOIN quality.dossier_facts AS f ON m.procedure_code = f.procedure_code
WHERE f.pickup_days IS NOT NULL
GROUP BY m.procedure_code, m.collected, m.median
