-- How often each thing differs in statements. Reads audit views only. Called by store/oversight/statements.py.
SELECT statement_no, direction, verdict, what, matches
FROM audit.statement_difference_sums
WHERE statement_no = any(%(statement_nos)s)
