-- Adds up the matches of a statement, once they are all there. Called by store/oversight/statements.py.
INSERT INTO motcua.statement_sums (
    statement_no, direction, verdict, matches, their_segments, their_amount, our_segments, our_amount, segments_off,
    amount_off
)
SELECT
    statement_no, direction, verdict, matches, their_segments, their_amount, our_segments, our_amount, segments_off,
    amount_off
FROM audit.statement_sums
WHERE statement_no = %(statement_no)s
