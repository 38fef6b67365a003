-- Rows returned by rule and agency in some runs, of one agency or of all. Called by store/oversight/quality.py.
SELECT run_no, rule, agency_code, found, acknowledged, remind_agency, remind_department
FROM motcua.quality_counts
WHERE run_no = any(%(run_nos)s) AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY run_no, rule, agency_code
