-- Closings, the newest period first, each period's newest closing first, with what the identity says.
-- Called by store/oversight/closings.py.
SELECT
    c.closing_no,
    c.period,
    c.corrects,
    c.as_of,
    c.difference,
    c.unexplained,
    c.sources_unread,
    m.expected,
    m.tellable,
    m.delivered,
    m.sent
FROM audit.closings AS c
LEFT JOIN LATERAL (
    SELECT
        sum(s.expected) AS expected,
        sum(s.expected - s.suppressed - s.cancelled) AS tellable,
        sum(s.delivered) AS delivered,
        sum(s.accepted + s.delivered + s.undelivered + s.unconfirmed) AS sent
    FROM audit.closing_messages AS s
    WHERE s.closing_no = c.closing_no
) AS m ON TRUE
-- What ends in the same month stands together, the longest first.
ORDER BY
    CASE c.period_length
        WHEN 'year' THEN c.period || '-12'
        WHEN 'quarter' THEN left(c.period, 5) || lpad((3 * right(c.period, 1)::integer)::text, 2, '0')
        ELSE left(c.period, 7)
    END DESC,
    array_position(ARRAY['year', 'quarter', 'month', 'day'], c.period_length),
    c.period DESC,
    c.closing_no DESC
LIMIT %(limit)s
