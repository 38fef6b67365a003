-- The newest periods of a length (day, month, quarter, year) that are closed, each with its newest closing, how often
-- it was corrected, and what the identity says of it; sums of those that are listed alone, and none where they are
-- not wanted. Called by store/browsing/closings.py.
SELECT
    p.closing_no,
    p.period,
    p.corrections,
    p.difference,
    p.unexplained,
    p.sources_unread,
    coalesce(m.expected, 0) AS expected,
    coalesce(m.tellable, 0) AS tellable,
    coalesce(m.delivered, 0) AS delivered
FROM (
    SELECT DISTINCT ON (c.period)
        c.closing_no,
        c.period,
        count(*) OVER (PARTITION BY c.period) - 1 AS corrections,
        c.difference,
        c.unexplained,
        c.sources_unread
    FROM audit.closings AS c
    WHERE c.period_length = %(length)s
    ORDER BY c.period DESC, c.closing_no DESC
    LIMIT %(limit)s
) AS p
LEFT JOIN LATERAL (
    SELECT
        sum(e.expected)::bigint AS expected,
        sum(e.expected - s.suppressed - s.cancelled)::bigint AS tellable,
        sum(s.delivered)::bigint AS delivered
    FROM audit.closing_message_sums AS s
    CROSS JOIN LATERAL (SELECT s.at_source - s.out_of_scope - s.only_source + s.only_ledger AS expected) AS e
    WHERE %(summed)s AND s.closing_no = p.closing_no
) AS m ON TRUE
ORDER BY p.period DESC
