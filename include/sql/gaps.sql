-- Gaps: the ledger slept or was put back, and citizens may have been told of what it does not know. Noticed by the
-- journal of attempts and by the senders' own signs; held; answered by a person; and attempts that the journal knew
-- find their messages again. Called by store/notices/gaps.py.

-- name: begin_journal
-- From here on this ledger is kept with this journal, unless it is already.
INSERT INTO motcua.journals (journal_id, reason)
SELECT %(journal_id)s, %(reason)s
WHERE
    %(journal_id)s IS DISTINCT FROM (
        SELECT j.journal_id FROM motcua.journals AS j ORDER BY j.journal_no DESC LIMIT 1
    );

-- name: journal
-- The journal that this ledger is kept with: the one begun last.
SELECT journal_id FROM motcua.journals
ORDER BY journal_no DESC
LIMIT 1;

-- name: note_journal
-- What the journal of attempts lacks, as a run found that looked.
UPDATE motcua.sender_life
SET journal_fault = %(fault)s
WHERE journal_fault IS DISTINCT FROM %(fault)s;

-- name: journal_fault
-- What the journal of attempts lacks, as a run found that looked.
SELECT journal_fault FROM motcua.sender_life;

-- name: say_at_work
-- Senders are at work, as a run says that begins: since when they had been silent, where that is longer than a sleep
-- takes; whether somebody signed that a sleep may be believed; and whether anybody was told for by then at all. Whoever
-- begins meanwhile waits for what is made of it.
INSERT INTO motcua.sender_life AS l (looked_at, woke_at) VALUES (%(now)s, %(now)s)
ON CONFLICT (only_one) DO UPDATE
    SET
        woke_at = CASE
            WHEN excluded.looked_at > l.looked_at + %(sleeps_after)s::interval THEN excluded.looked_at
            ELSE l.woke_at
        END,
        looked_at = greatest(l.looked_at, excluded.looked_at)
RETURNING
    CASE WHEN new.looked_at > old.looked_at + %(sleeps_after)s::interval THEN old.looked_at END AS slept_since,
    EXISTS (SELECT 1 FROM motcua.believed_sleeps AS b WHERE b.withdrawn_at IS NULL)
    OR NOT EXISTS (SELECT 1 FROM motcua.agencies AS g WHERE g.enabled_from <= %(now)s) AS is_believed;

-- name: stay_at_work
-- A sender at work gives its sign, unless the last one is as old as a sleep: then this ledger is not the one that it
-- was a moment ago, or the sender slept itself, and the next run finds it so. Which gap is open now, if any.
WITH beat AS (
    UPDATE motcua.sender_life
    SET looked_at = greatest(looked_at, %(now)s)
    WHERE looked_at >= %(now)s::timestamptz - %(sleeps_after)s::interval
    RETURNING only_one
)

SELECT
    NOT EXISTS (SELECT 1 FROM beat) AS slept,
    (SELECT g.gap_no FROM motcua.gaps AS g WHERE g.closed_at IS NULL) AS gap_no;

-- name: went_back
-- The watch had seen more than a ledger has that slept: it was put back. What is held stays so.
UPDATE motcua.gaps
SET kind = 'behind_watch', lost_attempts = %(lost_attempts)s, journal_until = %(journal_until)s
WHERE closed_at IS NULL AND kind = 'slept';

-- name: last_attempt
-- When the last attempt that the ledger knows began.
SELECT started_at FROM motcua.attempts
ORDER BY attempt_id DESC
LIMIT 1;

-- name: known_references
-- Which of these attempts the ledger knows, as its own or as lost ones.
SELECT a.reference FROM motcua.attempts AS a
WHERE a.reference = any(%(asked)s)
UNION
SELECT l.reference FROM motcua.lost_attempts AS l
WHERE l.reference = any(%(asked)s);

-- name: noticed_since
-- Whether a gap was noticed since a moment.
SELECT EXISTS(SELECT 1 FROM motcua.gaps WHERE noticed_at >= %(since)s) AS noticed;

-- name: open
-- A gap, open until it is looked at; nothing where one is open already. Where all is held, what is queued gets the
-- reason; what was recorded up to a moment, hold holds.
WITH gap AS (
    INSERT INTO motcua.gaps (
        kind, noticed_at, ledger_until, journal_until, lost_attempts, held_messages, slept_since, held_until
    )
    SELECT
        %(kind)s, %(now)s, %(ledger_until)s, %(journal_until)s, %(lost_attempts)s,
        (
            SELECT count(*) FROM motcua.messages
            WHERE state = 'queued' AND coalesce(recorded_at <= %(held_until)s::timestamptz, TRUE)
        ),
        %(slept_since)s, %(held_until)s
    ON CONFLICT ((closed_at IS NULL)) WHERE closed_at IS NULL DO NOTHING
    RETURNING gap_no, held_until
)

UPDATE motcua.messages SET reason = 'restored'
WHERE state = 'queued' AND EXISTS (SELECT 1 FROM gap AS g WHERE g.held_until IS NULL);

-- name: open_gap
-- The gap that was not looked at, where there is one.
SELECT
    gap_no, kind, noticed_at, ledger_until, journal_until, lost_attempts, held_messages, slept_since, held_until
FROM motcua.gaps
WHERE closed_at IS NULL;

-- name: hold
-- What is queued and was recorded up to the moment of an open gap: not due while it is useful, so that no sender meets
-- it again and again. Whoever answers the gap waits for this: a message is held before it is let go, or not at all.
WITH gap AS MATERIALIZED (
    SELECT g.held_until
    FROM motcua.gaps AS g
    WHERE g.closed_at IS NULL AND g.held_until IS NOT NULL
    FOR SHARE
)

UPDATE motcua.messages AS m
SET
    reason = 'slept',
    next_attempt_at = greatest(m.next_attempt_at, m.useful_until)
FROM gap AS g
WHERE
    m.state = 'queued'
    AND m.recorded_at <= g.held_until
    AND (m.reason IS DISTINCT FROM 'slept' OR m.next_attempt_at < m.useful_until);

-- name: hold_up_to
-- A gap that its journal explains in part only: what was recorded up to a moment is held until a person says what
-- became of it.
UPDATE motcua.gaps
SET held_until = %(moment)s
WHERE gap_no = %(gap_no)s AND closed_at IS NULL;

-- name: close
-- A gap was looked at.
UPDATE motcua.gaps
SET closed_at = %(now)s, closed_by = %(closed_by)s, reason = %(reason)s, sent_until = %(sent_until)s
WHERE gap_no = %(gap_no)s AND closed_at IS NULL;

-- name: answer
-- Somebody says of an open gap until when the lost ledger may have sent, or that it only slept (motcua.answer_gap).
SELECT motcua.answer_gap(%(gap_no)s, %(sent_until)s, %(by)s, %(reason)s, %(gateway)s, %(now)s) AS held;

-- name: testimony
-- The last word of a watch on another machine; no row where none ever looked.
SELECT asked_at, awake_since, sees_since, about, lost_attempts, seen_until
FROM motcua.outside_watch;

-- name: take_testimony
-- That it had seen a later state was acted on.
UPDATE motcua.outside_watch
SET about = NULL, lost_attempts = NULL, seen_until = NULL;

-- name: give_testimony
-- A watch on another machine has its say (motcua.give_testimony).
SELECT motcua.give_testimony(%(awake_since)s, %(sees_since)s, %(about)s, %(lost_attempts)s::integer, %(seen_until)s);

-- name: belief
-- Who signed that a sleep of this ledger may be believed, where that is in force.
SELECT said_at, said_by, reason FROM motcua.believed_sleeps
WHERE withdrawn_at IS NULL;

-- name: believe
-- Somebody signs that a sleep of this ledger may be believed, unless that is in force already.
INSERT INTO motcua.believed_sleeps (said_at, said_by, reason)
VALUES (%(now)s, %(by)s, %(reason)s)
ON CONFLICT ((withdrawn_at IS NULL)) WHERE withdrawn_at IS NULL DO NOTHING;

-- name: doubt
-- Somebody takes back that a sleep of this ledger may be believed.
UPDATE motcua.believed_sleeps
SET withdrawn_at = %(now)s, withdrawn_by = %(by)s
WHERE withdrawn_at IS NULL;

-- name: save_lost
-- Attempts that the journal knows and the ledger does not, each once.
WITH told AS (
    SELECT r.*
    FROM
        jsonb_to_recordset(%(rows)s::jsonb) AS r (
            reference text, gateway text, departed_at timestamptz, source text, agency_code text, dossier_code text,
            kind text, occasion text, segments smallint, outcome text, answered_at timestamptz, gateway_reference text
        )
),

known_gateways AS (
    INSERT INTO motcua.gateways (name)
    SELECT DISTINCT t.gateway FROM told AS t
    ON CONFLICT (name) DO NOTHING
)

INSERT INTO motcua.lost_attempts (
    gap_no, reference, gateway, departed_at, source, agency_code, dossier_code, kind, occasion, segments, outcome,
    answered_at, gateway_reference
)
SELECT
    %(gap_no)s, t.reference, t.gateway, t.departed_at, t.source, t.agency_code, t.dossier_code, t.kind, t.occasion,
    t.segments, t.outcome, t.answered_at, t.gateway_reference
FROM told AS t
WHERE NOT EXISTS (SELECT 1 FROM motcua.attempts AS a WHERE a.reference = t.reference)
ORDER BY t.departed_at
ON CONFLICT (reference) DO NOTHING;

-- name: adopt
-- Attempts of a gap whose messages are there again: each becomes an attempt of its message, under its own reference, so
-- that receipts and the gateway settle it as ever, and a message that any of them may have brought to a phone is of
-- unknown outcome. An occasion is found by the source's number, or an apology's due date; where the restored ledger cut
-- it at another step, it is the last one of that kind that was recorded before the attempt left: of those that are not
-- told of by an attempt of their own, and not before the number that the journal names was planned. Of several attempts
-- that may have arrived the last one stands for the message. Messages are locked first, as receipts and answers do.
WITH found AS MATERIALIZED (
    SELECT l.lost_id, m.message_id, m.msisdn
    FROM motcua.lost_attempts AS l
    INNER JOIN motcua.dossiers AS d ON l.agency_code = d.agency_code AND l.dossier_code = d.dossier_code
    CROSS JOIN
        LATERAL (
            SELECT n.message_id, coalesce(n.msisdn, d.msisdn) AS msisdn
            FROM motcua.messages AS n
            LEFT JOIN motcua.transitions AS t ON n.transition_id = t.transition_id
            LEFT JOIN motcua.sources AS s ON t.source_id = s.source_id
            WHERE
                n.dossier_id = d.dossier_id
                AND n.kind = l.kind
                AND CASE l.kind
                    WHEN 'apology' THEN n.occasion = l.occasion
                    ELSE
                        (s.name = l.source AND 'number ' || t.source_transition_id = l.occasion)
                        OR (
                            n.recorded_at <= l.departed_at + %(clock_skew)s::interval
                            AND NOT EXISTS (
                                SELECT 1 FROM motcua.attempts AS a
                                WHERE
                                    a.message_id = n.message_id AND a.sender_id <> 0 AND NOT a.released
                                    AND a.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
                            )
                            AND NOT EXISTS (
                                SELECT 1 FROM motcua.lost_attempts AS o
                                WHERE
                                    o.agency_code = l.agency_code AND o.dossier_code = l.dossier_code
                                    AND o.kind = l.kind AND o.source = s.name
                                    AND o.occasion = 'number ' || t.source_transition_id
                            )
                            AND (
                                l.occasion NOT LIKE 'number %%'
                                OR EXISTS (
                                    SELECT 1 FROM motcua.transitions AS k
                                    INNER JOIN motcua.sources AS o ON k.source_id = o.source_id
                                    WHERE
                                        k.dossier_id = d.dossier_id AND o.name = l.source
                                        AND 'number ' || k.source_transition_id = l.occasion
                                        AND k.planned_at IS NOT NULL
                                )
                            )
                        )
                END
            ORDER BY
                coalesce(s.name = l.source AND 'number ' || t.source_transition_id = l.occasion, FALSE) DESC,
                t.sequence DESC NULLS LAST, t.from_row DESC, n.message_id DESC
            LIMIT 1
        ) AS m
    WHERE l.message_id IS NULL AND m.msisdn IS NOT NULL
),

theirs AS MATERIALIZED (
    SELECT m.message_id, m.state
    FROM motcua.messages AS m
    WHERE m.message_id IN (SELECT f.message_id FROM found AS f)
    ORDER BY m.message_id
    FOR UPDATE
),

ranked AS MATERIALIZED (
    SELECT
        l.*,
        f.message_id AS found_id,
        f.msisdn,
        coalesce(l.outcome, 'unknown') IN ('accepted', 'duplicate', 'unknown') AS may_have_arrived,
        row_number() OVER (
            PARTITION BY f.message_id, coalesce(l.outcome, 'unknown') IN ('accepted', 'duplicate', 'unknown')
            ORDER BY l.departed_at DESC, l.lost_id DESC
        ) = 1
        AND NOT EXISTS (
            SELECT 1 FROM motcua.attempts AS a
            WHERE
                a.message_id = f.message_id AND NOT a.released
                AND a.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
        ) AS stands_for_it
    FROM found AS f
    INNER JOIN theirs AS t ON f.message_id = t.message_id
    INNER JOIN motcua.lost_attempts AS l ON f.lost_id = l.lost_id
),

attempted AS (
    INSERT INTO motcua.attempts (
        message_id, gateway, reference, sender_id, run_id, msisdn, segments, unit, carrier, started_at, state, outcome,
        answered_at, gateway_code, gateway_reference, settle_at, released
    )
    SELECT
        r.found_id, r.gateway, r.reference, 0, 'gap ' || r.gap_no, r.msisdn, r.segments,
        (SELECT g.unit FROM motcua.gateways AS g WHERE g.name = r.gateway),
        (SELECT m.carrier FROM motcua.messages AS m WHERE m.message_id = r.found_id), r.departed_at,
        CASE coalesce(r.outcome, 'unknown')
            WHEN 'accepted' THEN 'accepted'
            WHEN 'duplicate' THEN 'accepted'
            WHEN 'phone' THEN 'rejected'
            WHEN 'unknown' THEN 'unknown'
            ELSE 'failed'
        END,
        coalesce(r.outcome, 'unknown'), coalesce(r.answered_at, %(now)s), 'known from the journal',
        r.gateway_reference, CASE WHEN r.may_have_arrived THEN %(now)s END, r.may_have_arrived AND NOT r.stands_for_it
    FROM ranked AS r
    ORDER BY r.departed_at
    RETURNING message_id
),

adopted AS (
    UPDATE motcua.lost_attempts AS l
    SET message_id = r.found_id, adopted_at = %(now)s
    FROM ranked AS r
    WHERE l.lost_id = r.lost_id
    RETURNING l.lost_id
)

UPDATE motcua.messages AS m
SET
    state = CASE WHEN t.of_unknown_outcome THEN 'unknown' ELSE m.state END,
    reason = CASE WHEN t.of_unknown_outcome THEN 'restored' ELSE m.reason END,
    msisdn = coalesce(m.msisdn, t.msisdn),
    attempts_made = m.attempts_made + t.attempts
FROM (
    SELECT
        r.found_id,
        min(r.msisdn) AS msisdn,
        count(*) AS attempts,
        bool_or(r.may_have_arrived AND r.stands_for_it) AS of_unknown_outcome
    FROM ranked AS r
    GROUP BY r.found_id
) AS t
WHERE m.message_id = t.found_id AND (t.of_unknown_outcome OR m.state = 'queued')
RETURNING m.message_id, m.state;

-- name: confirm_accepted
-- Of messages that a gap left with unknown outcome those whose gateway's answer the journal knows: accepted.
UPDATE motcua.messages AS m
SET state = 'accepted', reason = 'restored', accepted_at = a.answered_at
FROM motcua.attempts AS a
WHERE
    m.message_id = any(%(message_ids)s)
    AND m.state = 'unknown'
    AND a.message_id = m.message_id
    AND a.state = 'accepted'
    AND NOT a.released;

-- name: unanswered
-- Attempts whose answer the ledger does not have, and perhaps the journal: in flight, or left behind by a sender that
-- ended; when each began.
SELECT a.reference, a.started_at
FROM motcua.attempts AS a
WHERE
    a.state = 'in_flight'
    OR (a.state = 'unknown' AND NOT a.released AND a.gateway_code = 'the sender ended before the answer');

-- name: take_answers
-- What gateways answered to attempts that the ledger has without an answer, as the journal knows it: taken, refused for
-- good, or refused in passing, so that the message may go again. Messages are locked first, as receipts and answers do.
WITH theirs AS MATERIALIZED (
    SELECT a.attempt_id, m.message_id, r.outcome, r.answered_at, r.gateway_reference
    FROM
        jsonb_to_recordset(%(rows)s::jsonb) AS r (
            reference text, outcome text, answered_at timestamptz, gateway_reference text
        )
    INNER JOIN motcua.attempts AS a ON r.reference = a.reference
    INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
    WHERE a.state IN ('in_flight', 'unknown') AND NOT a.released AND m.state IN ('sending', 'unknown')
    ORDER BY m.message_id
    FOR UPDATE OF m
),

answered AS (
    UPDATE motcua.attempts AS a
    SET
        state = CASE
            WHEN t.outcome IN ('accepted', 'duplicate') THEN 'accepted'
            WHEN t.outcome = 'phone' THEN 'rejected'
            ELSE 'failed'
        END,
        outcome = t.outcome,
        answered_at = t.answered_at,
        gateway_code = 'known from the journal',
        gateway_reference = coalesce(t.gateway_reference, a.gateway_reference),
        settle_at = CASE WHEN t.outcome IN ('accepted', 'duplicate') THEN %(now)s::timestamptz END
    FROM theirs AS t
    WHERE a.attempt_id = t.attempt_id AND a.state IN ('in_flight', 'unknown')
    RETURNING a.message_id, a.outcome, a.answered_at
)

UPDATE motcua.messages AS m
SET
    state = CASE
        WHEN a.outcome IN ('accepted', 'duplicate') THEN 'accepted'
        WHEN a.outcome = 'phone' THEN 'rejected'
        ELSE 'queued'
    END,
    reason = CASE
        WHEN a.outcome IN ('phone', 'unreachable') THEN a.outcome
        WHEN a.outcome NOT IN ('accepted', 'duplicate') THEN 'gateway_busy'
    END,
    accepted_at = CASE WHEN a.outcome IN ('accepted', 'duplicate') THEN a.answered_at ELSE m.accepted_at END,
    next_attempt_at = CASE
        WHEN a.outcome IN ('unreachable', 'transient', 'configuration') THEN %(now)s::timestamptz
        ELSE m.next_attempt_at
    END
FROM answered AS a
WHERE m.message_id = a.message_id;

-- name: read_receipts_again
-- Receipts that came before their attempt was known again, and were read as of no attempt: they wait to be read once
-- more, as they came.
INSERT INTO motcua.receipts (gateway, received_at, reference, gateway_status, raw)
SELECT r.gateway, r.received_at, r.reference, r.gateway_status, r.raw
FROM motcua.lost_attempts AS l
INNER JOIN motcua.receipts AS r ON l.reference = r.reference AND l.gateway = r.gateway
INNER JOIN motcua.receipt_readings AS s ON r.receipt_id = s.receipt_id
WHERE
    l.adopted_at = %(now)s
    AND s.effect = 'unknown_reference'
    AND NOT EXISTS (
        SELECT 1 FROM motcua.receipts AS a
        WHERE a.reference = r.reference AND a.received_at = r.received_at AND a.receipt_id > r.receipt_id
    )
ORDER BY r.receipt_id;

-- name: hold_blind
-- Messages that may have been told in a gap whose journal is lost: of unknown outcome (motcua.hold_blind).
SELECT motcua.hold_blind(%(gap_no)s, %(gateway)s, %(now)s) AS held;

-- name: waits_for_messages
-- Whether any attempt of a gap still looks for its message, what was recorded in a gap without a journal may still be
-- planned, or an open gap holds what was recorded before a moment.
SELECT
    EXISTS(SELECT 1 FROM motcua.lost_attempts WHERE message_id IS NULL) AS lost,
    EXISTS(SELECT 1 FROM motcua.gaps WHERE closed_at IS NULL AND held_until IS NOT NULL) AS holds,
    (SELECT max(gap_no) FROM motcua.gaps WHERE sent_until > %(now)s::timestamptz - %(useful_for)s::interval) AS blind;

-- name: list
-- Gaps, the latest first, with what became of the attempts that the journal knew.
SELECT
    g.gap_no, g.kind, g.noticed_at, g.ledger_until, g.journal_until, g.lost_attempts, g.held_messages, g.sent_until,
    g.closed_at, g.closed_by, g.reason, g.slept_since, g.held_until,
    (SELECT count(*) FROM motcua.lost_attempts AS l WHERE l.gap_no = g.gap_no AND l.message_id IS NULL) AS not_found
FROM motcua.gaps AS g
ORDER BY g.gap_no DESC
LIMIT %(limit)s;

-- name: messages
-- How the messages stand now that were told, or may have been told, in a gap.
SELECT m.kind, m.state, count(DISTINCT m.message_id) AS messages
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE a.run_id = 'gap ' || %(gap_no)s
GROUP BY m.kind, m.state
ORDER BY m.kind, m.state;

-- name: not_found
-- Attempts of a gap whose message the ledger does not have: the source did not tell of it again.
SELECT departed_at, gateway, source, agency_code, dossier_code, kind, occasion, outcome
FROM motcua.lost_attempts
WHERE gap_no = %(gap_no)s AND message_id IS NULL
ORDER BY departed_at, lost_id
LIMIT %(limit)s;
