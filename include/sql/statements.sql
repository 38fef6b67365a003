-- Import carrier statements, which are a provider's monthly lists of the messages that it bills. The lines of a file
-- are compared with the ledger's attempts (tries to hand a message to a gateway) and inquiries (texts of citizens to
-- 9029), and each line gets a verdict. A faulty file is refused as a whole. The queries from "rows" on read audit views
-- only, so that auditors may run them. Called by store/oversight/statements.py.

-- name: known
-- Return the carrier statement that was imported from a file, and the one in force for a form (a layout of files) and
-- month (audit.carrier_statements).
SELECT s.statement_no, s.form, s.month, s.sha256 = %(sha256)s AS same_file
FROM audit.carrier_statements AS s
WHERE s.sha256 = %(sha256)s OR (s.form = %(form)s AND s.month = %(month)s AND s.in_force)
ORDER BY same_file DESC;

-- name: files
-- Return the SHA-256 of every file that was imported (audit.carrier_statements).
SELECT sha256 FROM audit.carrier_statements;

-- name: clear
-- Empty the tables in which the lines of a file are compared with the ledger (statements.clear). A second import waits
-- here until the first one's transaction ends.
SELECT statements.clear(), set_config('work_mem', '96MB', TRUE), set_config('jit', 'off', TRUE);

-- name: add_lines
-- Insert lines of the file that is being imported (statements.lines). Amounts come in hundredths of a đồng, prices in
-- ten-thousandths of a đồng.
INSERT INTO statements.lines (
    direction, line_no, reference, gateway_reference, msisdn, sent_at, segments, price, amount, carrier, status, billed
)
SELECT
    r.direction, r.line_no, r.reference, r.gateway_reference, r.msisdn, to_timestamp(r.sent_at::double precision),
    r.segments, r.price::numeric / 10000, r.amount::numeric / 100, r.carrier, r.status, r.billed
FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS r (
    direction text, line_no integer, reference text, gateway_reference text, msisdn text, sent_at bigint,
    segments integer, price bigint, amount bigint, carrier text, status text, billed boolean
);

-- name: look_at
-- Update the planner's statistics of a table that was just filled (statements.look_at).
SELECT statements.look_at(%(table_name)s);

-- name: take_ours
-- Insert what the carrier statement of a gateway and month may bill: the attempts through the gateway, and the
-- inquiries that the gateway delivered (statements.ours). Attempts and inquiries of the 35 days before the month and of
-- the day after it are included too, although another carrier statement may have billed them. If the file has only sums
-- of inquiries, inquiries are left out.
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
    a.state, coalesce(a.carrier, m.carrier), a.state IN ('accepted', 'delivered', 'undelivered'),
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
    AND i.received_at < %(ends)s::timestamptz + interval '1 day';

-- name: pair_by_reference
-- Pair each line with the attempt that has the reference of the line (statements.pairs). A second line with the same
-- reference, or a line about an attempt that another carrier statement bills, is marked as repeated.
INSERT INTO statements.pairs (direction, line_no, our_id, matched_by, repeated)
SELECT
    l.direction, l.line_no, o.our_id, 'reference',
    o.billed_before OR row_number() OVER (PARTITION BY o.direction, o.our_id ORDER BY l.line_no) > 1
FROM statements.lines AS l
INNER JOIN statements.ours AS o ON l.direction = o.direction AND l.reference = o.reference;

-- name: pair_by_gateway_reference
-- Pair each line that is not paired yet with the attempt or inquiry that has the provider's reference of the line
-- (statements.pairs). If several attempts or inquiries have this reference, the nearest in time is chosen. Attempts and
-- inquiries with another phone number than the line are left out, because a provider may use a reference again. For
-- inquiries the ledger stores the reference as a keyed hash. A line is marked as repeated if an earlier line or another
-- carrier statement bills the same attempt or inquiry.
INSERT INTO statements.pairs (direction, line_no, our_id, matched_by, repeated)
SELECT
    n.direction, n.line_no, n.our_id, 'gateway_reference',
    n.taken OR row_number() OVER (PARTITION BY n.direction, n.our_id ORDER BY n.line_no) > 1
FROM (
    SELECT DISTINCT ON (l.direction, l.line_no)
        l.direction, l.line_no, o.our_id,
        o.billed_before OR EXISTS (
            SELECT 1 FROM statements.pairs AS p WHERE p.direction = o.direction AND p.our_id = o.our_id
        ) AS taken
    FROM statements.lines AS l
    INNER JOIN statements.ours AS o
        ON
            l.direction = o.direction
            AND o.gateway_reference = CASE l.direction
                WHEN 'mo' THEN motcua.provider_id(left(l.gateway_reference, 200))
                ELSE l.gateway_reference
            END
    WHERE
        coalesce(l.msisdn = o.msisdn, TRUE)
        AND NOT EXISTS (
            SELECT 1 FROM statements.pairs AS p WHERE p.direction = l.direction AND p.line_no = l.line_no
        )
    ORDER BY l.direction, l.line_no, abs(extract(EPOCH FROM l.sent_at - o.at)), o.our_id
) AS n;

-- name: pair_by_number
-- Pair a line with an attempt or inquiry of the same phone number, if neither is paired yet and each is the best match
-- of the other (statements.pairs). Their times may differ by the tolerance (seconds). The best match is one with the
-- same number of segments, then one that the gateway accepted, then the nearest in time. The caller repeats the SQL
-- statement until it pairs nothing, at most 50 times.
INSERT INTO statements.pairs (direction, line_no, our_id, matched_by, repeated)
WITH lines AS MATERIALIZED (
    SELECT l.direction, l.line_no, l.msisdn, l.sent_at, l.segments FROM statements.lines AS l
    WHERE
        l.msisdn IS NOT NULL
        AND NOT EXISTS (
            SELECT 1 FROM statements.pairs AS p WHERE p.direction = l.direction AND p.line_no = l.line_no
        )
),

ours AS MATERIALIZED (
    SELECT o.direction, o.our_id, o.msisdn, o.at, o.segments, o.taken FROM statements.ours AS o
    WHERE
        o.msisdn IS NOT NULL AND NOT o.billed_before
        AND NOT EXISTS (
            SELECT 1 FROM statements.pairs AS p WHERE p.direction = o.direction AND p.our_id = o.our_id
        )
),

near AS (
    SELECT
        l.direction, l.line_no, o.our_id,
        row_number() OVER (
            PARTITION BY l.direction, l.line_no
            ORDER BY l.segments <> o.segments, NOT o.taken, abs(extract(EPOCH FROM l.sent_at - o.at)), o.our_id
        ) AS of_line,
        row_number() OVER (
            PARTITION BY o.direction, o.our_id
            ORDER BY l.segments <> o.segments, NOT o.taken, abs(extract(EPOCH FROM l.sent_at - o.at)), l.line_no
        ) AS of_ours
    FROM lines AS l
    INNER JOIN ours AS o ON l.direction = o.direction AND l.msisdn = o.msisdn
    WHERE abs(extract(EPOCH FROM l.sent_at - o.at)) <= %(seconds)s
)

SELECT n.direction, n.line_no, n.our_id, 'number_and_time', FALSE
FROM near AS n
WHERE n.of_line = 1 AND n.of_ours = 1;

-- name: save
-- Insert the carrier statement with sums of its lines, and return its number (motcua.carrier_statements).
INSERT INTO motcua.carrier_statements (
    form, gateway, month, covers_until, file_name, sha256, imported_at, imported_by, terms, lines, segments, amount,
    inquiries, revenue, supersedes
)
SELECT
    %(form)s, %(gateway)s, %(month)s, %(covers_until)s, %(file_name)s, %(sha256)s, %(imported_at)s, %(imported_by)s,
    %(terms)s::jsonb, count(*), coalesce(sum(l.segments) FILTER (WHERE l.direction = 'mt' AND l.billed), 0),
    coalesce(sum(l.amount) FILTER (WHERE l.direction = 'mt'), 0),
    coalesce(sum(l.segments) FILTER (WHERE l.direction = 'mo'), 0),
    coalesce(sum(l.amount) FILTER (WHERE l.direction = 'mo'), 0), %(supersedes)s
FROM statements.lines AS l
RETURNING statement_no;

-- name: save_lines
-- Insert the lines of a carrier statement without their phone numbers, and with phone numbers in references masked
-- (motcua.statement_lines).
INSERT INTO motcua.statement_lines (
    statement_no, direction, line_no, reference, gateway_reference, sent_at, segments, price, amount, carrier, status,
    billed
)
SELECT
    %(statement_no)s, direction, line_no, motcua.without_numbers(reference),
    motcua.without_numbers(gateway_reference), sent_at, segments, price, amount, carrier,
    status, billed
FROM statements.lines;

-- name: save_matches
-- Insert a verdict for each line, and for each accepted message and each inquiry that no line bills
-- (motcua.statement_matches). The columns segments and amount are what should be billed. The amount of a message is
-- computed with the agreed price of the carrier that the line names, because the number may have been ported. If the
-- line names no carrier, the ledger's carrier is used.
INSERT INTO motcua.statement_matches (
    statement_no, verdict, direction, line_no, attempt_id, inquiry_id, matched_by, differs, segments, amount
)
WITH held AS (
    SELECT
        l.direction, l.line_no, p.our_id, p.matched_by, coalesce(p.repeated, FALSE) AS repeated, l.status, l.sent_at,
        l.segments AS their_segments, l.amount AS their_amount, l.billed, o.segments AS our_segments, o.state, o.at,
        o.in_month, l.msisdn <> o.msisdn AS elsewhere,
        coalesce(l.carrier, o.carrier) AS carrier,
        -- If the line has the provider's status, that status decides whether the message should be billed, and not the
        -- ledger's state, because a delivery receipt may have reached only the provider or only the ledger.
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
    );

-- name: save_difference_sums
-- Insert the sums of the differences of a carrier statement, after all its matches were inserted and before the SQL
-- statement save_sums, which marks the carrier statement as summed (motcua.statement_difference_sums).
INSERT INTO motcua.statement_difference_sums (statement_no, direction, verdict, what, matches)
SELECT statement_no, direction, verdict, what, matches
FROM audit.statement_difference_sums
WHERE statement_no = %(statement_no)s;

-- name: save_sums
-- Insert the sums of the matches of a carrier statement, after all its matches were inserted (motcua.statement_sums).
INSERT INTO motcua.statement_sums (
    statement_no, direction, verdict, matches, their_segments, their_amount, our_segments, our_amount, segments_off,
    amount_off
)
SELECT
    statement_no, direction, verdict, matches, their_segments, their_amount, our_segments, our_amount, segments_off,
    amount_off
FROM audit.statement_sums
WHERE statement_no = %(statement_no)s;

-- name: save_refusal
-- Log that a file was refused and why, and return the refusal's number (motcua.refused_statements).
INSERT INTO motcua.refused_statements (
    form, month, file_name, sha256, refused_at, refused_by, faults, message
)
VALUES (
    %(form)s, %(month)s, %(file_name)s, %(sha256)s, %(refused_at)s, %(refused_by)s, %(faults)s, %(message)s
)
RETURNING refusal_no;

-- name: settled_refusals
-- Return the form and SHA-256 of refused files that need not be tried again, because a good file of their month came
-- later or a person dismissed the refusal (audit.refused_statements). A file that a person uploaded again later is left
-- out.
SELECT DISTINCT r.form, r.sha256
FROM audit.refused_statements AS r
WHERE
    r.sha256 IS NOT NULL AND (r.set_aside_at IS NOT NULL OR (r.month IS NOT NULL AND r.replaced_by IS NOT NULL))
    AND NOT EXISTS (
        SELECT 1 FROM motcua.statement_uploads AS u
        WHERE
            u.sha256 = r.sha256 AND u.form = r.form
            AND u.uploaded_at > (
                SELECT max(o.refused_at) FROM audit.refused_statements AS o
                WHERE o.sha256 = r.sha256 AND o.form = r.form
            )
    );

-- name: refusals
-- Return the last refusal of each file and month, the newest first (audit.refused_statements). By default, refusals
-- that a person dismissed and those of files that a good file replaced are left out.
SELECT
    n.refusal_no, n.form, n.month, n.file_name, n.sha256, n.refused_at, n.refused_by, n.faults, n.message,
    n.replaced_by, n.set_aside_at, n.set_aside_by, n.set_aside_reason
FROM (
    SELECT DISTINCT ON (r.form, r.file_name, r.month)
        r.refusal_no, r.form, r.month, r.file_name, r.sha256, r.refused_at, r.refused_by, r.faults, r.message,
        v.replaced_by, r.set_aside_at, r.set_aside_by, r.set_aside_reason
    FROM motcua.refused_statements AS r
    INNER JOIN audit.refused_statements AS v ON r.refusal_no = v.refusal_no
    ORDER BY r.form, r.file_name, r.month, r.refusal_no DESC
) AS n
WHERE %(settled)s OR (n.replaced_by IS NULL AND n.set_aside_at IS NULL)
ORDER BY n.refused_at DESC, n.refusal_no DESC
LIMIT %(most)s;

-- name: set_refusal_aside
-- Dismiss a refusal and the earlier refusals of the same file and month, so that nobody is asked to act on them any
-- more (motcua.refused_statements).
UPDATE motcua.refused_statements AS r
SET set_aside_at = %(now)s, set_aside_by = %(by)s, set_aside_reason = %(reason)s
FROM motcua.refused_statements AS n
WHERE
    n.refusal_no = %(refusal_no)s AND r.form = n.form AND r.file_name = n.file_name
    AND r.month IS NOT DISTINCT FROM n.month AND r.refusal_no <= n.refusal_no AND r.set_aside_at IS NULL
RETURNING r.refusal_no;

-- name: list
-- Return carrier statements, the newest month first (audit.carrier_statements). A carrier statement that was corrected
-- comes after its correction.
SELECT
    statement_no, form, gateway, month, covers_until, file_name, sha256, imported_at, imported_by, terms, lines,
    segments, amount, inquiries, revenue, supersedes, in_force
FROM audit.carrier_statements
WHERE
    (%(statement_no)s::bigint IS NULL OR statement_no = %(statement_no)s)
    AND (%(month)s::date IS NULL OR month = %(month)s)
ORDER BY month DESC, form ASC, statement_no DESC
LIMIT %(most)s;

-- name: rows
-- Return the rows of one carrier statement whose verdict is not "exact", or the rows with one given verdict, in the
-- order of the file (audit.statement_matches). Attempts and inquiries that no line bills come last.
SELECT
    m.match_id, m.verdict, m.direction, m.line_no, m.matched_by, m.differs, m.segments AS our_segments,
    m.amount AS our_amount, l.segments AS their_segments, l.amount AS their_amount, l.sent_at, l.status AS their_status,
    l.carrier, l.reference, l.gateway_reference, l.billed,
    coalesce(a.started_at, i.received_at) AS our_at, a.state AS our_state, a.reference AS our_reference, a.message_id,
    n.kind, coalesce(n.agency_code, i.agency_code) AS agency_code, d.dossier_code
FROM (
    -- Because the limit is applied here, the joins below read only what belongs to the rows of one page.
    SELECT m.*
    FROM audit.statement_matches AS m
    WHERE
        m.statement_no = %(statement_no)s
        AND (m.verdict = %(verdict)s OR (%(verdict)s::text IS NULL AND m.verdict <> 'exact'))
        AND (%(differs)s::text IS NULL OR %(differs)s = any(m.differs))
    ORDER BY m.line_no IS NULL, m.direction DESC, m.line_no, m.match_id
    LIMIT %(most)s OFFSET %(skipped)s
) AS m
LEFT JOIN audit.statement_lines AS l
    ON m.statement_no = l.statement_no AND m.direction = l.direction AND m.line_no = l.line_no
LEFT JOIN audit.attempts AS a ON m.attempt_id = a.attempt_id
LEFT JOIN audit.inquiries AS i ON m.inquiry_id = i.inquiry_id
LEFT JOIN audit.messages AS n ON a.message_id = n.message_id
LEFT JOIN audit.dossiers AS d ON coalesce(n.dossier_id, i.dossier_id) = d.dossier_id
ORDER BY m.line_no IS NULL, m.direction DESC, m.line_no, m.match_id;

-- name: sums
-- Return the numbers of rows, segments and amounts of carrier statements by verdict (audit.statement_sums).
SELECT
    statement_no, direction, verdict, matches, their_segments, their_amount, our_segments, our_amount, segments_off,
    amount_off
FROM audit.statement_sums
WHERE statement_no = any(%(statement_nos)s);

-- name: differences
-- Return how often each value differs in carrier statements (audit.statement_difference_sums).
SELECT statement_no, direction, verdict, what, matches
FROM audit.statement_difference_sums
WHERE statement_no = any(%(statement_nos)s);

-- name: segments_handed
-- Return the segments, or messages if the gateway counts messages, that were handed to a gateway in a month
-- (audit.gateway_days). This number is the first figure with which a carrier statement is compared.
SELECT coalesce(sum(d.segments), 0)::bigint AS segments
FROM audit.gateway_days AS d
WHERE d.gateway = %(gateway)s AND d.day >= %(month)s AND d.day < %(next_month)s;

-- name: inquiries_of
-- Return the number of inquiries that a gateway delivered in a month, and what citizens paid for them
-- (audit.inquiries).
SELECT count(*) AS inquiries, coalesce(sum(fee), 0)::bigint AS fees
FROM audit.inquiries
WHERE gateway = %(gateway)s AND received_at >= %(begins)s AND received_at < %(until)s;

-- name: months_without
-- Return the gateways to which segments were handed in a month without a carrier statement (audit.gateway_days,
-- audit.carrier_statements). A carrier statement that was imported before the end of its month does not count, because
-- it covers only a part of the month.
SELECT d.gateway, sum(d.segments)::bigint AS segments
FROM audit.gateway_days AS d
WHERE
    d.gateway = any(%(gateways)s) AND d.day >= %(month)s AND d.day < %(next_month)s
    AND NOT EXISTS (
        SELECT 1 FROM audit.carrier_statements AS s
        WHERE
            s.gateway = d.gateway AND s.month = %(month)s
            AND s.covers_until >= %(next_month)s::date::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh'
    )
GROUP BY d.gateway
HAVING sum(d.segments) > 0
ORDER BY d.gateway;
