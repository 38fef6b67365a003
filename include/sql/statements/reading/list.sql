-- Statements, the newest month first, corrected ones after those that correct them. Called by
-- store/oversight/statements.py.
SELECT
    statement_no, form, gateway, month, covers_until, file_name, sha256, imported_at, imported_by, terms, lines,
    segments, amount, inquiries, revenue, supersedes, in_force
FROM audit.carrier_statements
WHERE
    (%(statement_no)s::bigint IS NULL OR statement_no = %(statement_no)s)
    AND (%(month)s::date IS NULL OR month = %(month)s)
ORDER BY month DESC, form ASC, statement_no DESC
LIMIT %(most)s
