-- The statement that a file became, and the one in force of a form and month. Called by store/oversight/statements.py.
SELECT s.statement_no, s.form, s.month, s.sha256 = %(sha256)s AS same_file
FROM audit.carrier_statements AS s
WHERE s.sha256 = %(sha256)s OR (s.form = %(form)s AND s.month = %(month)s AND s.in_force)
ORDER BY same_file DESC
