-- Textable numbers in a run, of one agency or of all, among so many dossiers at least, the worst first. Called by
-- store/oversight/quality.py.
SELECT
    s.agency_code,
    s.dimension,
    s.key,
    coalesce(p.name, s.key) AS name,
    s.month,
    s.dossiers,
    s.textable,
    s.previous_dossiers,
    s.previous_textable
FROM motcua.quality_shares AS s
LEFT JOIN motcua.procedures AS p ON s.dimension = 'procedure' AND s.key = p.procedure_code
WHERE
    s.run_no = %(run_no)s
    AND s.dossiers >= %(least)s
    AND coalesce(s.agency_code = %(agency_code)s::text, TRUE)
ORDER BY s.month DESC, s.dimension, s.textable::numeric / s.dossiers, s.dossiers DESC, s.agency_code, s.key
