-- The rows that were returned, by rule and agency, with those acknowledged and past their deadlines. Called by
-- store/oversight/quality.py.
INSERT INTO motcua.quality_counts (
    run_no, rule, agency_code, found, acknowledged, remind_agency, remind_department
)
WITH acknowledged AS (
    SELECT DISTINCT ON (a.finding_id) a.finding_id, a.until
    FROM motcua.finding_acknowledgements AS a
    ORDER BY a.finding_id, a.acknowledgement_id DESC
)

SELECT
    %(run_no)s,
    n.rule,
    n.agency_code,
    count(*),
    count(*) FILTER (WHERE a.until >= %(day)s::date),
    count(*) FILTER (
        WHERE
        coalesce(a.until < %(day)s::date, TRUE)
        AND e.deadline < %(day)s::date AND e.department_on >= %(day)s::date
    ),
    count(*) FILTER (WHERE coalesce(a.until < %(day)s::date, TRUE) AND e.department_on < %(day)s::date)
FROM quality.found AS n
INNER JOIN motcua.findings AS f ON n.rule = f.rule AND n.subject = f.subject
INNER JOIN motcua.finding_episodes AS e ON f.finding_id = e.finding_id AND e.closed_run IS NULL
LEFT JOIN acknowledged AS a ON f.finding_id = a.finding_id
GROUP BY n.rule, n.agency_code
