-- SMS segments that the newest closing of each of these periods counted. Called by store/oversight/closings.py.
SELECT
    c.period,
    coalesce(sum(m.segments), 0) AS segments
FROM audit.closings AS c
LEFT JOIN audit.closing_messages AS m ON c.closing_no = m.closing_no
WHERE
    c.period = any(%(periods)s::text[])
    AND c.closing_no = (SELECT max(n.closing_no) FROM audit.closings AS n WHERE n.period = c.period)
GROUP BY c.period
