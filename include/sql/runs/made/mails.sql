-- Mails of a run's reports: of its publications, or of its check of quality; by report, body and state. To some
-- agencies only, where these are listed. Called by store/browsing/runs.py.
SELECT
    m.report_no,
    m.body,
    g.name AS agency_name,
    m.state,
    count(*) AS mails
FROM motcua.report_mails AS m
LEFT JOIN motcua.agencies AS g ON m.body = g.agency_code
WHERE
    m.report = %(report)s
    AND m.report_no = any(%(numbers)s::bigint[])
    AND (%(agencies)s::text[] IS NULL OR m.body = any(%(agencies)s::text[]))
GROUP BY m.report_no, m.body, g.name, m.state
ORDER BY m.report_no, g.name NULLS FIRST, m.body, m.state
