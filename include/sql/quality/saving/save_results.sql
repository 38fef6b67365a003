-- What was said of each rule. Called by store/oversight/quality.py.
INSERT INTO motcua.quality_results (run_no, rule, status, broken_reason, found, rows_hash)
SELECT %(run_no)s, r.rule, r.status, r.broken_reason, r.found, r.rows_hash
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        rule text, status text, broken_reason text, found integer, rows_hash text
    )
