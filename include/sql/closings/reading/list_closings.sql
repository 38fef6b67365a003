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
ORDER BY left(c.period, 7) DESC, char_length(c.period), c.period DESC, c.closing_no DESC
LIMIT %(limit)s
