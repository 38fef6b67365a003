-- Forms and SHA-256 of files that were refused and need not be tried again: a good file of their month came later, or
-- somebody set them aside; but for one that somebody put there by the page since. Called by
-- store/oversight/statements.py.
SELECT DISTINCT r.form, r.sha256
FROM audit.refused_statements AS r
WHERE
    r.sha256 IS NOT NULL AND (r.set_aside_at IS NOT NULL OR (r.month IS NOT NULL AND r.replaced_by IS NOT NULL))
    AND NOT EXISTS (
        SELECT 1 FROM motcua.statement_uploads AS u
        WHERE
            u.sha256 = r.sha256 AND u.form = r.form
            AND u.uploaded_at > (
                SELECT max(o.refused_at) FROM audit.refused_statements AS o
                WHERE o.sha256 = r.sha256 AND o.form = r.form
            )
    )
