-- Message figures of a closing by agency, procedure and kind, the worst first, up to a limit, each with how
-- many there are. In the order in which a publication tells them, reports/publication/data.py: what does
-- not balance, then by the share of what should and could be told that was delivered, of few messages later, of none
-- last. Called by store/browsing/closings.py.
SELECT
    c.agency_code,
    c.procedure_code,
    c.kind,
    c.at_source,
    c.out_of_scope,
    c.only_source,
    c.only_ledger,
    c.suppressed,
    c.cancelled,
    c.expired,
    c.queued,
    c.sending,
    c.unknown,
    c.rejected,
    c.accepted,
    c.delivered,
    c.undelivered,
    c.unconfirmed,
    c.segments,
    (SELECT sum(n.cells) FROM audit.closing_message_sums AS n WHERE n.closing_no = %(closing_no)s) AS all_rows
FROM audit.closing_messages AS c
CROSS JOIN LATERAL (SELECT c.expected - c.suppressed - c.cancelled AS tellable) AS t
WHERE
    c.closing_no = %(closing_no)s
    -- Most cells are small: they are put in order only where those that come before them do not fill the list.
    AND (
        c.difference <> 0 OR t.tellable >= %(least_judged)s
        OR (
            SELECT count(*) FROM audit.closing_messages AS j
            WHERE
                j.closing_no = %(closing_no)s
                AND (j.difference <> 0 OR j.expected - j.suppressed - j.cancelled >= %(least_judged)s)
        ) < %(limit)s
    )
ORDER BY
    c.difference = 0,
    abs(c.difference) DESC,
    CASE WHEN c.difference <> 0 THEN 0 WHEN t.tellable <= 0 THEN 3 WHEN t.tellable < %(least_judged)s THEN 2 ELSE 1 END,
    CASE WHEN c.difference = 0 AND t.tellable > 0 THEN c.delivered::float8 / t.tellable END,
    CASE WHEN c.difference = 0 AND t.tellable > 0 THEN t.tellable END DESC,
    c.agency_code COLLATE "C",  -- noqa: RF03
    c.procedure_code COLLATE "C",  -- noqa: RF03
    array_position(%(kinds)s::text[], c.kind)
LIMIT %(limit)s
