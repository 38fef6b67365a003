-- Read closings for pages: the newest periods, sums by agency, and the first rows of long lists. A closing is the
-- figures of a finished day, month, quarter or year, counted once and stored. Long lists have the order of the
-- published report (reports/publication/data.py). Called by store/oversight/figure_rows.py.

-- name: opened_of_lengths
-- Return the closing that a page shows first, for each length of periods (day, month, quarter, year) that has closings
-- (audit.closings). This is the newest closing of the newest period that had messages or should have had them, for one
-- agency or for all. If no period had messages, the result has the newest closing of the newest period.
SELECT
    l.period_length,
    coalesce(had.closing_no, newest.closing_no) AS closing_no
FROM unnest(%(lengths)s::text[]) AS l (period_length)
INNER JOIN LATERAL (
    SELECT c.closing_no
    FROM audit.closings AS c
    WHERE c.period_length = l.period_length
    ORDER BY c.period DESC, c.closing_no DESC
    LIMIT 1
) AS newest ON TRUE
LEFT JOIN LATERAL (
    SELECT c.closing_no
    FROM audit.closings AS c
    WHERE
        c.period_length = l.period_length
        AND NOT EXISTS (SELECT 1 FROM audit.closings AS o WHERE o.corrects = c.closing_no)
        AND EXISTS (
            SELECT 1 FROM audit.closing_message_sums AS s
            WHERE
                s.closing_no = c.closing_no
                AND (%(agency_code)s::text IS NULL OR s.agency_code = %(agency_code)s)
                AND s.at_source - s.out_of_scope + s.only_ledger > 0
        )
    ORDER BY c.period DESC
    LIMIT 1
) AS had ON TRUE;

-- name: periods
-- Return the newest closed periods of one length (day, month, quarter, year), each with its newest closing and the
-- number of corrections (audit.closings). The columns difference and unexplained are zero if every occasion (the event
-- that a message is about) has exactly one message. If the parameter summed is true, each period has its sums of
-- messages (audit.closing_message_sums). Tellable messages are the expected messages that were neither suppressed nor
-- cancelled. The sums tellable and delivered leave out replies, which have no delivery receipts.
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
        sum(e.expected - s.suppressed - s.cancelled) FILTER (WHERE s.kind <> 'reply')::bigint AS tellable,
        sum(s.delivered) FILTER (WHERE s.kind <> 'reply')::bigint AS delivered
    FROM audit.closing_message_sums AS s
    CROSS JOIN LATERAL (SELECT s.at_source - s.out_of_scope - s.only_source + s.only_ledger AS expected) AS e
    WHERE %(summed)s AND s.closing_no = p.closing_no
) AS m ON TRUE
ORDER BY p.period DESC;

-- name: messages
-- Return the message figures of a closing by agency and kind (audit.closing_message_sums). Each cell (agency, procedure
-- and kind) that does not balance, because it has more or fewer messages than occasions, is returned separately
-- (audit.closing_messages). In a sum, the surplus of one cell would hide the lack of another. The number of rows
-- depends on the number of agencies, not of procedures.
SELECT
    s.agency_code,
    '' AS procedure_code,
    s.kind,
    s.at_source,
    s.out_of_scope,
    s.only_source,
    s.only_ledger,
    s.suppressed,
    s.cancelled,
    s.expired,
    s.queued,
    s.sending,
    s.unknown,
    s.rejected,
    s.accepted,
    s.delivered,
    s.undelivered,
    s.unconfirmed,
    s.segments
FROM audit.closing_message_sums AS s
WHERE s.closing_no = %(closing_no)s AND s.balances
UNION ALL
SELECT
    u.agency_code,
    u.procedure_code,
    u.kind,
    u.at_source,
    u.out_of_scope,
    u.only_source,
    u.only_ledger,
    u.suppressed,
    u.cancelled,
    u.expired,
    u.queued,
    u.sending,
    u.unknown,
    u.rejected,
    u.accepted,
    u.delivered,
    u.undelivered,
    u.unconfirmed,
    u.segments
FROM audit.closing_messages AS u
WHERE u.closing_no = %(closing_no)s AND u.difference <> 0;

-- name: worst_messages
-- Return the message figures of a closing by agency, procedure and kind, the worst first, with the number of all rows
-- (audit.closing_messages). Each row is called a cell. Cells that have more or fewer messages than occasions come
-- first. The other cells are ordered by the share of tellable messages that was delivered, the smallest share first.
-- Cells with fewer than least_judged tellable messages come after them. Last come those without tellable messages and
-- those of replies, because replies have no delivery receipts.
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
    -- Most cells have few messages. They are sorted only if the other cells do not fill the list.
    AND (
        c.difference <> 0 OR (t.tellable >= %(least_judged)s AND c.kind <> 'reply')
        OR (
            SELECT count(*) FROM audit.closing_messages AS j
            WHERE
                j.closing_no = %(closing_no)s
                AND (
                    j.difference <> 0
                    OR (j.expected - j.suppressed - j.cancelled >= %(least_judged)s AND j.kind <> 'reply')
                )
        ) < %(limit)s
    )
ORDER BY
    c.difference = 0,
    abs(c.difference) DESC,
    CASE
        WHEN c.difference <> 0 THEN 0
        WHEN t.tellable <= 0 OR c.kind = 'reply' THEN 3
        WHEN t.tellable < %(least_judged)s THEN 2
        ELSE 1
    END,
    CASE WHEN c.difference = 0 AND t.tellable > 0 AND c.kind <> 'reply' THEN c.delivered::float8 / t.tellable END,
    CASE WHEN c.difference = 0 AND t.tellable > 0 AND c.kind <> 'reply' THEN t.tellable END DESC,
    c.agency_code COLLATE "C",  -- noqa: RF03
    c.procedure_code COLLATE "C",  -- noqa: RF03
    array_position(%(kinds)s::text[], c.kind)
LIMIT %(limit)s;

-- name: reasons
-- Return the number of messages of a closing by agency, kind, state and reason (audit.closing_reason_sums).
SELECT
    s.agency_code,
    '' AS procedure_code,
    s.kind,
    s.state,
    s.reason,
    s.messages
FROM audit.closing_reason_sums AS s
WHERE s.closing_no = %(closing_no)s
ORDER BY s.agency_code, s.kind, s.state, s.reason;

-- name: timings
-- Return how long the delivery of a closing's messages took, for all procedures together (audit.closing_timings).
SELECT
    c.agency_code,
    c.procedure_code,
    c.kind,
    c.delivered,
    c.median_seconds,
    c.p95_seconds
FROM audit.closing_timings AS c
WHERE c.closing_no = %(closing_no)s AND c.procedure_code IS NULL
ORDER BY c.agency_code NULLS FIRST, c.kind;

-- name: dossiers
-- Return the dossier figures of a closing by agency (audit.closing_dossier_sums).
SELECT
    s.agency_code,
    '' AS procedure_code,
    s.carried_over,
    s.received,
    s.received_online,
    s.received_postal,
    s.resolved_early,
    s.resolved_on_time,
    s.resolved_late,
    s.resolved_without_due,
    s.withdrawn,
    s.open_in_time,
    s.open_late,
    s.paused_in_time,
    s.paused_late,
    s.due,
    s.handed_over
FROM audit.closing_dossier_sums AS s
WHERE s.closing_no = %(closing_no)s
ORDER BY s.agency_code;

-- name: latest_dossiers
-- Return the dossier figures of a closing by agency and procedure, the cells with the most late dossiers first, with
-- the number of all rows (audit.closing_dossiers).
SELECT
    c.agency_code,
    c.procedure_code,
    c.carried_over,
    c.received,
    c.received_online,
    c.received_postal,
    c.resolved_early,
    c.resolved_on_time,
    c.resolved_late,
    c.resolved_without_due,
    c.withdrawn,
    c.open_in_time,
    c.open_late,
    c.paused_in_time,
    c.paused_late,
    c.due,
    c.handed_over,
    (SELECT sum(n.cells) FROM audit.closing_dossier_sums AS n WHERE n.closing_no = %(closing_no)s) AS all_rows
FROM audit.closing_dossiers AS c
WHERE c.closing_no = %(closing_no)s
ORDER BY
    c.resolved_late + c.open_late DESC,
    c.received DESC,
    c.agency_code COLLATE "C",  -- noqa: RF03
    c.procedure_code COLLATE "C"  -- noqa: RF03
LIMIT %(limit)s;
