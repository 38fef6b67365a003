-- By agency, procedure and month: what was received, came to a result and was collected; summed up in
-- fill_agency_month_facts. Called by store/oversight/quality.py.
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
GROUP BY f.agency_code, f.procedure_code, f.collected_month
