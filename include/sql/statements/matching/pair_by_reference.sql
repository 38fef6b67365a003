-- Pairs each line with the attempt whose reference it gives back. A second line with it, or a line about what another
-- statement bills, is marked as repeated. Called by store/oversight/statements.py.
INSERT INTO statements.pairs (direction, line_no, our_id, matched_by, repeated)
SELECT
    l.direction, l.line_no, o.our_id, 'reference',
    o.billed_before OR row_number() OVER (PARTITION BY o.direction, o.our_id ORDER BY l.line_no) > 1
FROM statements.lines AS l
INNER JOIN statements.ours AS o ON l.direction = o.direction AND l.reference = o.reference
