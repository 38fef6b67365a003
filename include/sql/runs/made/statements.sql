-- Statements of providers that a run took, and files that it refused. Called by store/browsing/runs.py.
SELECT
    s.form,
    s.file_name,
    s.month,
    s.statement_no
FROM motcua.carrier_statements AS s
WHERE s.imported_by = %(run_id)s
UNION ALL
SELECT
    r.form,
    r.file_name,
    r.month,
    NULL AS statement_no
FROM motcua.refused_statements AS r
WHERE r.refused_by = %(run_id)s
ORDER BY statement_no NULLS LAST, form, file_name
