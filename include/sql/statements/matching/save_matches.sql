-- Gives each line its verdict, and each message and inquiry that was taken from us and is not billed. An amount is what
-- ours would cost by the agreed prices: by the carrier that the line names, since numbers are ported, else by ours.
-- Called by store/oversight/statements.py.
INSERT INTO motcua.statement_matches (
    statement_no, verdict, direction, line_no, attempt_id, inquiry_id, matched_by, differs, segments, amount
)
WITH held AS (
    SELECT
        l.direction, l.line_no, p.our_id, p.matched_by, coalesce(p.repeated, FALSE) AS repeated, l.status, l.sent_at,
        l.segments AS their_segments, l.amount AS their_amount, l.billed, o.segments AS our_segments, o.state, o.at,
        o.in_month, l.msisdn <> o.msisdn AS elsewhere,
        coalesce(l.carrier, o.carrier) AS carrier,
        -- Whether it is billed goes by the provider's status: a receipt may have reached one side only.
        coalesce(coalesce(l.status, o.state) <> 'undelivered', TRUE) OR %(undelivered_is_billed)s AS is_billed
    FROM statements.lines AS l
    LEFT JOIN statements.pairs AS p ON l.direction = p.direction AND l.line_no = p.line_no
    LEFT JOIN statements.ours AS o ON p.direction = o.direction AND p.our_id = o.our_id
    WHERE l.direction = 'mt' OR %(each_inquiry)s
),

judged AS (
    SELECT
        h.*,
        h.our_id IS NOT NULL AND NOT h.repeated AS is_ours,
        CASE
            WHEN h.direction = 'mo' THEN %(inquiry_amount)s::numeric
            WHEN NOT h.is_billed THEN 0
            ELSE h.our_segments * coalesce(%(prices)s::jsonb ->> h.carrier, %(prices)s::jsonb ->> 'other')::numeric
        END AS our_amount
    FROM held AS h
),

told AS (
    SELECT
        j.*,
        CASE
            WHEN j.repeated THEN ARRAY['repeated']
            WHEN NOT j.is_ours THEN '{}'
            ELSE array_remove(ARRAY[
                CASE WHEN j.elsewhere THEN 'number' END,
                CASE WHEN j.their_segments <> j.our_segments THEN 'segments' END,
                CASE WHEN abs(coalesce(j.their_amount - j.our_amount, 0)) >= 1 THEN 'amount' END,
                CASE
                    WHEN
                        j.direction = 'mt' AND (
                            j.state IN ('failed', 'rejected', 'unknown')
                            OR (j.status, j.state) IN (('delivered', 'undelivered'), ('undelivered', 'delivered'))
                        )
                        THEN 'status'
                END,
                CASE WHEN abs(extract(EPOCH FROM j.sent_at - j.at)) > %(seconds)s THEN 'time' END,
                CASE WHEN NOT j.in_month THEN 'month' END
            ], NULL)
        END AS differs
    FROM judged AS j
)

SELECT
    %(statement_no)s::bigint,
    CASE WHEN NOT t.is_ours THEN 'theirs_only' WHEN t.differs = '{}' THEN 'exact' ELSE 'partial' END,
    t.direction, t.line_no,
    CASE WHEN t.is_ours AND t.direction = 'mt' THEN t.our_id END,
    CASE WHEN t.is_ours AND t.direction = 'mo' THEN t.our_id END,
    CASE WHEN t.is_ours THEN t.matched_by END, t.differs,
    CASE WHEN t.is_ours THEN CASE WHEN t.is_billed THEN t.our_segments ELSE 0 END END,
    CASE WHEN t.is_ours THEN t.our_amount END
FROM told AS t
UNION ALL
SELECT
    %(statement_no)s::bigint, 'ours_only', o.direction, NULL,
    CASE WHEN o.direction = 'mt' THEN o.our_id END, CASE WHEN o.direction = 'mo' THEN o.our_id END, NULL,
    CASE
        WHEN o.at >= %(ends)s::timestamptz - make_interval(secs => %(seconds)s) THEN ARRAY['month'] ELSE '{}'
    END,
    CASE WHEN o.is_billed THEN o.segments ELSE 0 END,
    CASE
        WHEN o.direction = 'mo' THEN %(inquiry_amount)s::numeric
        WHEN NOT o.is_billed THEN 0
        ELSE o.segments * coalesce(%(prices)s::jsonb ->> o.carrier, %(prices)s::jsonb ->> 'other')::numeric
    END
FROM (
    SELECT u.*, coalesce(u.state <> 'undelivered', TRUE) OR %(undelivered_is_billed)s AS is_billed
    FROM statements.ours AS u
) AS o
WHERE
    o.taken AND o.in_month AND o.covered AND NOT o.billed_before AND (
        (o.direction = 'mt' AND %(covers_mt)s) OR (o.direction = 'mo' AND %(covers_mo)s)
    )
    AND NOT EXISTS (
        SELECT 1 FROM statements.pairs AS p
        WHERE p.direction = o.direction AND p.our_id = o.our_id AND NOT p.repeated
    )
