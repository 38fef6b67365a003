-- Sets a refusal aside, with those of the same file and month before it: nothing is to be done about it. Called by
-- store/oversight/statements.py.
UPDATE motcua.refused_statements AS r
SET set_aside_at = %(now)s, set_aside_by = %(by)s, set_aside_reason = %(reason)s
FROM motcua.refused_statements AS n
WHERE
    n.refusal_no = %(refusal_no)s AND r.form = n.form AND r.file_name = n.file_name
    AND r.month IS NOT DISTINCT FROM n.month AND r.refusal_no <= n.refusal_no AND r.set_aside_at IS NULL
RETURNING r.refusal_no
