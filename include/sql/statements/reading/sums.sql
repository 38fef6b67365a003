-- Verdicts of statements in figures; off: by how much both sides differ, without cancelling out, but for what may stand
-- in the next statement. Reads audit views only. Called by store/oversight/statements.py.
SELECT
    m.statement_no, m.direction, m.verdict,
    count(*) AS matches,
    coalesce(sum(m.theirs), 0)::bigint AS their_segments,
    coalesce(sum(m.their_amount), 0) AS their_amount,
    coalesce(sum(m.segments), 0)::bigint AS our_segments,
    coalesce(sum(m.amount), 0) AS our_amount,
    coalesce(sum(abs(m.theirs - coalesce(m.segments, 0))) FILTER (WHERE m.counts), 0)::bigint AS segments_off,
    coalesce(sum(abs(m.their_amount - coalesce(m.amount, 0))) FILTER (WHERE m.counts AND m.priced), 0) AS amount_off
FROM (
    SELECT
        x.statement_no, x.direction, x.verdict, x.segments, x.amount,
        CASE WHEN l.billed THEN l.segments ELSE 0 END AS theirs,
        coalesce(l.amount, 0) AS their_amount,
        x.verdict <> 'ours_only' OR x.differs = '{}' AS counts,
        x.verdict = 'theirs_only' OR x.amount IS NOT NULL AS priced
    FROM audit.statement_matches AS x
    LEFT JOIN audit.statement_lines AS l
        ON x.statement_no = l.statement_no AND x.direction = l.direction AND x.line_no = l.line_no
    WHERE x.statement_no = any(%(statement_nos)s)
) AS m
GROUP BY m.statement_no, m.direction, m.verdict
