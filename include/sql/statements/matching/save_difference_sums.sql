-- Adds up what differs in a statement, once its matches are all there and before save_sums, which tells that they are
-- added up. Called by store/oversight/statements.py.
INSERT INTO motcua.statement_difference_sums (statement_no, direction, verdict, what, matches)
SELECT statement_no, direction, verdict, what, matches
FROM audit.statement_difference_sums
WHERE statement_no = %(statement_no)s
