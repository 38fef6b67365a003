-- Verdicts of statements in figures. Reads audit views only. Called by store/oversight/statements.py.
SELECT
    statement_no, direction, verdict, matches, their_segments, their_amount, our_segments, our_amount, segments_off,
    amount_off
FROM audit.statement_sums
WHERE statement_no = any(%(statement_nos)s)
