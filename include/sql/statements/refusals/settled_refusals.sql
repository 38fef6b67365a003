-- Forms and SHA-256 of files that were refused and need not be tried again: a good file of their month came later, or
-- somebody set them aside. Reads audit views only. Called by store/oversight/statements.py.
SELECT DISTINCT form, sha256
FROM audit.refused_statements
WHERE sha256 IS NOT NULL AND (set_aside_at IS NOT NULL OR (month IS NOT NULL AND replaced_by IS NOT NULL))
