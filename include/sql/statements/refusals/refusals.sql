-- Files that were refused, each of a month as it was last, the newest first: those that no good file replaced and
-- nobody set aside, or all of them. Called by store/oversight/statements.py.
SELECT
    n.refusal_no, n.form, n.month, n.file_name, n.refused_at, n.refused_by, n.faults, n.message, n.replaced_by,
    n.set_aside_at, n.set_aside_by, n.set_aside_reason
FROM (
    SELECT DISTINCT ON (r.form, r.file_name, r.month)
        r.refusal_no, r.form, r.month, r.file_name, r.refused_at, r.refused_by, r.faults, r.message, v.replaced_by,
        r.set_aside_at, r.set_aside_by, r.set_aside_reason
    FROM motcua.refused_statements AS r
    INNER JOIN audit.refused_statements AS v ON r.refusal_no = v.refusal_no
    ORDER BY r.form, r.file_name, r.month, r.refusal_no DESC
) AS n
WHERE %(settled)s OR (n.replaced_by IS NULL AND n.set_aside_at IS NULL)
ORDER BY n.refused_at DESC, n.refusal_no DESC
LIMIT %(most)s
