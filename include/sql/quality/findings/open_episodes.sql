-- Findings that were returned and do not stand yet begin an episode, with the deadlines of the day: so many working
-- days of the agency, today counted. Called by store/oversight/quality.py.
INSERT INTO motcua.finding_episodes (finding_id, opened_run, again, deadline, department_on)
WITH deadlines AS (
    SELECT r.rule, c.calendar, a.day AS deadline, b.day AS department_on
    FROM jsonb_to_recordset(%(deadlines)s::jsonb) AS r (rule text, agency integer, department integer)
    CROSS JOIN (
        SELECT d.calendar, d.nth FROM quality.days AS d WHERE d.day = %(day)s::date - 1
    ) AS c
    INNER JOIN quality.days AS a ON c.calendar = a.calendar AND a.working AND c.nth + r.agency = a.nth
    INNER JOIN quality.days AS b ON c.calendar = b.calendar AND b.working AND c.nth + r.agency + r.department = b.nth
)

SELECT
    f.finding_id,
    %(run_no)s,
    p.finding_id IS NOT NULL,
    d.deadline,
    d.department_on
FROM quality.found AS n
INNER JOIN motcua.findings AS f ON n.rule = f.rule AND n.subject = f.subject
LEFT JOIN motcua.finding_episodes AS o ON f.finding_id = o.finding_id AND o.closed_run IS NULL
LEFT JOIN (
    SELECT DISTINCT e.finding_id FROM motcua.finding_episodes AS e
) AS p ON f.finding_id = p.finding_id
LEFT JOIN quality.agencies AS g ON n.agency_code = g.agency_code
LEFT JOIN deadlines AS d
    ON n.rule = d.rule AND d.calendar = coalesce(g.calendar, (SELECT min(x.calendar) FROM quality.days AS x))
WHERE o.finding_id IS NULL
