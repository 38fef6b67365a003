-- Takes every attempt through the gateway, and every inquiry that it brought, that a statement of the month may bill:
-- from the month before, which another statement may have billed already, to a day after it. Where lines only count
-- inquiries, these are left out. Called by store/oversight/statements.py.
INSERT INTO statements.ours (
    direction, our_id, reference, gateway_reference, msisdn, at, segments, state, carrier, taken, in_month, covered,
    billed_before
)
WITH billed AS (
    SELECT DISTINCT x.attempt_id, x.inquiry_id
    FROM motcua.statement_matches AS x
    INNER JOIN motcua.carrier_statements AS s ON x.statement_no = s.statement_no
    WHERE
        s.gateway = %(gateway)s AND x.matched_by IS NOT NULL AND s.statement_no IS DISTINCT FROM %(supersedes)s
        AND s.month BETWEEN %(month)s::date - 62 AND %(month)s::date + 62
        AND NOT EXISTS (SELECT 1 FROM motcua.carrier_statements AS l WHERE l.supersedes = s.statement_no)
)

SELECT
    'mt', a.attempt_id, a.reference, a.gateway_reference, a.msisdn, a.started_at, coalesce(a.segments, m.segments),
    a.state, m.carrier, a.state IN ('accepted', 'delivered', 'undelivered'),
    a.started_at >= %(begins)s AND a.started_at < %(ends)s, a.started_at < %(covers_until)s,
    b.attempt_id IS NOT NULL
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
LEFT JOIN billed AS b ON a.attempt_id = b.attempt_id
WHERE
    a.gateway = %(gateway)s AND a.state <> 'in_flight'
    AND a.started_at >= %(begins)s::timestamptz - interval '35 days'
    AND a.started_at < %(ends)s::timestamptz + interval '1 day'
UNION ALL
SELECT
    'mo', i.inquiry_id, NULL, motcua.provider_id(i.gateway_message_id), i.msisdn, i.received_at, 1, NULL, NULL, TRUE,
    i.received_at >= %(begins)s AND i.received_at < %(ends)s, i.received_at < %(covers_until)s,
    b.inquiry_id IS NOT NULL
FROM motcua.inquiries AS i
LEFT JOIN billed AS b ON i.inquiry_id = b.inquiry_id
WHERE
    i.gateway = %(gateway)s AND %(each_inquiry)s
    AND i.received_at >= %(begins)s::timestamptz - interval '35 days'
    AND i.received_at < %(ends)s::timestamptz + interval '1 day'
