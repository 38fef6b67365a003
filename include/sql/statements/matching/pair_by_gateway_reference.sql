-- Pairs each line that is left with what has the provider's reference that it gives, the nearest in time where several
-- have; not with what went to another number, since providers use references again. Of inquiries we have a keyed hash
-- of theirs. Repeated ones are marked as such.
-- Called by store/oversight/statements.py.
INSERT INTO statements.pairs (direction, line_no, our_id, matched_by, repeated)
SELECT
    n.direction, n.line_no, n.our_id, 'gateway_reference',
    n.taken OR row_number() OVER (PARTITION BY n.direction, n.our_id ORDER BY n.line_no) > 1
FROM (
    SELECT DISTINCT ON (l.direction, l.line_no)
        l.direction, l.line_no, o.our_id,
        o.billed_before OR EXISTS (
            SELECT 1 FROM statements.pairs AS p WHERE p.direction = o.direction AND p.our_id = o.our_id
        ) AS taken
    FROM statements.lines AS l
    INNER JOIN statements.ours AS o
        ON
            l.direction = o.direction
            AND o.gateway_reference = CASE l.direction
                WHEN 'mo' THEN motcua.provider_id(left(l.gateway_reference, 200))
                ELSE l.gateway_reference
            END
    WHERE
        coalesce(l.msisdn = o.msisdn, TRUE)
        AND NOT EXISTS (
            SELECT 1 FROM statements.pairs AS p WHERE p.direction = l.direction AND p.line_no = l.line_no
        )
    ORDER BY l.direction, l.line_no, abs(extract(EPOCH FROM l.sent_at - o.at)), o.our_id
) AS n
