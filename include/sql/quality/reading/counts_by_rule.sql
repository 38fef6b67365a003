-- Rows returned by rule in some runs, all agencies together. Called by store/oversight/quality.py.
SELECT
    c.run_no,
    c.rule,
    NULL AS agency_code,
    sum(c.found) AS found,
    sum(c.acknowledged) AS acknowledged,
    sum(c.remind_agency) AS remind_agency,
    sum(c.remind_department) AS remind_department
FROM motcua.quality_counts AS c
WHERE c.run_no = any(%(run_nos)s)
GROUP BY c.run_no, c.rule
ORDER BY c.run_no, c.rule
