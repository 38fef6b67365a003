-- Pairs a line that is left with something of ours that is left, to the same number, within the tolerance, where each
-- is the other's nearest: of as many segments before others, taken before others. Called by
-- store/oversight/statements.py, until nothing is found.
INSERT INTO statements.pairs (direction, line_no, our_id, matched_by, repeated)
WITH lines AS MATERIALIZED (
    SELECT l.direction, l.line_no, l.msisdn, l.sent_at, l.segments FROM statements.lines AS l
    WHERE
        l.msisdn IS NOT NULL
        AND NOT EXISTS (
            SELECT 1 FROM statements.pairs AS p WHERE p.direction = l.direction AND p.line_no = l.line_no
        )
),

ours AS MATERIALIZED (
    SELECT o.direction, o.our_id, o.msisdn, o.at, o.segments, o.taken FROM statements.ours AS o
    WHERE
        o.msisdn IS NOT NULL AND NOT o.billed_before
        AND NOT EXISTS (
            SELECT 1 FROM statements.pairs AS p WHERE p.direction = o.direction AND p.our_id = o.our_id
        )
),

near AS (
    SELECT
        l.direction, l.line_no, o.our_id,
        row_number() OVER (
            PARTITION BY l.direction, l.line_no
            ORDER BY l.segments <> o.segments, NOT o.taken, abs(extract(EPOCH FROM l.sent_at - o.at)), o.our_id
        ) AS of_line,
        row_number() OVER (
            PARTITION BY o.direction, o.our_id
            ORDER BY l.segments <> o.segments, NOT o.taken, abs(extract(EPOCH FROM l.sent_at - o.at)), l.line_no
        ) AS of_ours
    FROM lines AS l
    INNER JOIN ours AS o ON l.direction = o.direction AND l.msisdn = o.msisdn
    WHERE abs(extract(EPOCH FROM l.sent_at - o.at)) <= %(seconds)s
)

SELECT n.direction, n.line_no, n.our_id, 'number_and_time', FALSE
FROM near AS n
WHERE n.of_line = 1 AND n.of_ours = 1
