-- Read stored closings. A closing is the figures of a finished day, month, quarter or year, counted once and stored. A
-- closing's figures are returned for one agency, or for all if agency_code is NULL. Called by
-- store/oversight/closings.py.

-- name: closing
-- Return one closing (audit.closings).
SELECT
    closing_no,
    period,
    corrects,
    run_id,
    as_of,
    known_version,
    known_transition,
    known_history,
    known_message,
    known_inquiry,
    known_receipt,
    known_quality_run, known_attempt, data_as_of, sources_unread, segment_price, prices, figures_hash, difference,
    unexplained, closed_at
FROM audit.closings
WHERE closing_no = %(closing_no)s;

-- name: list_closings
-- Return closings, the newest period first and each period's newest closing first (audit.closings,
-- audit.closing_message_sums). The columns difference and unexplained are zero if every occasion (the event that a
-- message is about) has exactly one message.
WITH listed AS MATERIALIZED (
    SELECT
        closing_no,
        period,
        corrects,
        as_of,
        difference,
        unexplained,
        sources_unread,
        -- Periods that end in the same month stand together, the longest period first.
        row_number() OVER (
            ORDER BY
                CASE period_length
                    WHEN 'year' THEN period || '-12'
                    WHEN 'quarter' THEN left(period, 5) || lpad((3 * right(period, 1)::integer)::text, 2, '0')
                    ELSE left(period, 7)
                END DESC,
                array_position(ARRAY['year', 'quarter', 'month', 'day'], period_length),
                period DESC,
                closing_no DESC
        ) AS place
    FROM audit.closings
    ORDER BY place
    LIMIT %(limit)s
),

-- All listed closings are added up in one query. A query for each closing would look up each row of figures separately.
sums AS (
    SELECT
        s.closing_no,
        sum(e.expected)::bigint AS expected,
        sum(e.expected - s.suppressed - s.cancelled)::bigint AS tellable,
        sum(s.delivered)::bigint AS delivered,
        sum(s.accepted + s.delivered + s.undelivered + s.unconfirmed)::bigint AS sent
    FROM audit.closing_message_sums AS s
    CROSS JOIN LATERAL (SELECT s.at_source - s.out_of_scope - s.only_source + s.only_ledger AS expected) AS e
    WHERE s.closing_no IN (SELECT closing_no FROM listed)
    GROUP BY s.closing_no
)

SELECT
    l.closing_no,
    l.period,
    l.corrects,
    l.as_of,
    l.difference,
    l.unexplained,
    l.sources_unread,
    s.expected,
    s.tellable,
    s.delivered,
    s.sent
FROM listed AS l
LEFT JOIN sums AS s ON l.closing_no = s.closing_no
ORDER BY l.place;

-- name: closings_of_run
-- Return the closings that a run of the DAG stored in any try of its task, the oldest first (motcua.closings). A
-- closing that was corrected later is left out.
SELECT c.closing_no
FROM motcua.closings AS c
WHERE c.run_id = %(run_id)s AND NOT EXISTS (SELECT 1 FROM motcua.closings AS n WHERE n.corrects = c.closing_no)
ORDER BY c.closing_no;

-- name: unpublished
-- Return the closings without a publication, the oldest first (motcua.closings). A closing that was corrected before
-- its publication is left out.
SELECT c.closing_no
FROM motcua.closings AS c
WHERE
    NOT EXISTS (SELECT 1 FROM motcua.publications AS p WHERE p.closing_no = c.closing_no)
    AND NOT EXISTS (SELECT 1 FROM motcua.closings AS n WHERE n.corrects = c.closing_no)
ORDER BY c.closing_no;

-- name: messages
-- Return the message figures of a closing (audit.closing_messages).
SELECT
    agency_code,
    procedure_code,
    kind,
    at_source,
    out_of_scope,
    only_source,
    only_ledger,
    suppressed,
    cancelled,
    expired,
    queued,
    sending,
    unknown,
    rejected,
    accepted,
    delivered,
    undelivered,
    unconfirmed,
    segments
FROM audit.closing_messages
WHERE closing_no = %(closing_no)s AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY agency_code, procedure_code, kind;

-- name: reasons
-- Return the number of messages of a closing for each reason (audit.closing_reasons).
SELECT
    agency_code,
    procedure_code,
    kind,
    state,
    reason,
    messages
FROM audit.closing_reasons
WHERE closing_no = %(closing_no)s AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY agency_code, procedure_code, kind, state, reason;

-- name: timings
-- Return how long a closing's delivered messages took since the source recorded their events (audit.closing_timings).
SELECT
    agency_code,
    procedure_code,
    kind,
    delivered,
    median_seconds,
    p95_seconds
FROM audit.closing_timings
WHERE closing_no = %(closing_no)s AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY agency_code NULLS FIRST, procedure_code NULLS FIRST, kind;

-- name: channels
-- Return how many messages of a closing each gateway accepted, and how many units it bills for them
-- (audit.closing_channels).
SELECT
    agency_code,
    kind,
    gateway,
    billed_unit,
    carrier,
    taken,
    units,
    segments
FROM audit.closing_channels
WHERE closing_no = %(closing_no)s AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY agency_code, kind, gateway, billed_unit, carrier;

-- name: dossiers
-- Return the dossier figures of a closing (audit.closing_dossiers).
SELECT
    agency_code,
    procedure_code,
    carried_over,
    received,
    received_online,
    received_postal,
    resolved_early,
    resolved_on_time,
    resolved_late,
    resolved_without_due,
    withdrawn,
    open_in_time,
    open_late,
    paused_in_time,
    paused_late,
    due,
    handed_over
FROM audit.closing_dossiers
WHERE closing_no = %(closing_no)s AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY agency_code, procedure_code;

-- name: agencies
-- Return the figures of the agencies of a closing (audit.closing_agencies).
SELECT
    agency_code,
    apologies_right,
    apologies_wrong,
    apologies_stopped,
    late_untold,
    inquiries,
    inquiry_fees,
    told_without_result,
    findings_open
FROM audit.closing_agencies
WHERE closing_no = %(closing_no)s AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY agency_code;

-- name: differences
-- Return the differences of a closing, the unexplained ones first (audit.closing_differences). A difference is an
-- occasion without a message, or a message without an occasion.
SELECT
    d.side,
    d.reason,
    d.agency_code,
    d.procedure_code,
    d.kind,
    d.dossier_code,
    s.name AS source,
    d.source_transition_id,
    d.transition_id,
    d.message_id,
    d.occurred_at
FROM audit.closing_differences AS d
LEFT JOIN audit.sources AS s ON d.source_id = s.source_id
WHERE d.closing_no = %(closing_no)s
ORDER BY d.explained, d.side, d.reason, d.agency_code, d.kind, d.occurred_at, d.difference_no;

-- name: orphans
-- Return the orphans of a closing: messages without a dossier, delivery receipts that name no attempt, and results that
-- were handed over although no message announced them (audit.closing_orphans).
SELECT
    sort,
    agency_code,
    procedure_code,
    dossier_code,
    message_id,
    receipt_id,
    happened_at
FROM audit.closing_orphans
WHERE closing_no = %(closing_no)s
ORDER BY orphan_no;

-- name: changes
-- Return the figures that a correction (a later closing of the same period) changed (audit.closing_changes).
SELECT
    agency_code,
    procedure_code,
    kind,
    figure,
    was,
    became,
    causes
FROM audit.closing_changes
WHERE closing_no = %(closing_no)s
ORDER BY agency_code, procedure_code, kind, figure;

-- name: sum_of_closings
-- Return the number of occasions in the sources, the number of those out of scope, and the difference between occasions
-- and messages, summed over several closings, by agency, procedure and kind (audit.closing_messages). An occasion is
-- the event that a message is about. It is out of scope if it happened before its agency was enabled.
SELECT
    m.agency_code,
    m.procedure_code,
    m.kind,
    sum(m.at_source)::bigint AS at_source,
    sum(m.out_of_scope)::bigint AS out_of_scope,
    sum(m.difference)::bigint AS difference
FROM audit.closing_messages AS m
WHERE m.closing_no = any(%(closing_nos)s)
GROUP BY m.agency_code, m.procedure_code, m.kind
ORDER BY m.agency_code, m.procedure_code, m.kind;

-- name: billed_in_periods
-- Return how many messages gateways accepted and how many units they bill for these, in the newest closing of each of
-- these periods, by gateway, unit and carrier (audit.closing_channels). A closing in which gateways accepted nothing
-- has one row with its period alone. A closing of an earlier version of this system, which did not count by gateway,
-- has one row with its SMS segments and an empty gateway.
WITH newest AS (
    SELECT
        c.closing_no,
        c.period,
        c.known_attempt
    FROM audit.closings AS c
    WHERE
        c.period = any(%(periods)s::text[])
        AND c.closing_no = (SELECT max(n.closing_no) FROM audit.closings AS n WHERE n.period = c.period)
)

SELECT
    c.period,
    b.gateway,
    b.billed_unit,
    b.carrier,
    b.taken,
    b.units,
    b.segments
FROM newest AS c
LEFT JOIN LATERAL (
    SELECT
        h.gateway,
        h.billed_unit,
        h.carrier,
        sum(h.taken)::bigint AS taken,
        sum(h.units)::bigint AS units,
        sum(h.segments)::bigint AS segments
    FROM audit.closing_channels AS h
    WHERE h.closing_no = c.closing_no
    GROUP BY h.gateway, h.billed_unit, h.carrier
    UNION ALL
    SELECT
        '' AS gateway,
        'segment' AS billed_unit,
        '' AS carrier,
        sum(m.accepted + m.delivered + m.undelivered + m.unconfirmed)::bigint AS taken,
        sum(m.segments)::bigint AS units,
        sum(m.segments)::bigint AS segments
    FROM audit.closing_messages AS m
    WHERE m.closing_no = c.closing_no AND c.known_attempt IS NULL
    HAVING sum(m.segments) > 0
) AS b ON TRUE;

-- name: procedure_names
-- Return the names of these procedures (motcua.procedures).
SELECT
    procedure_code,
    name
FROM motcua.procedures
WHERE procedure_code = any(%(codes)s::text[]);
