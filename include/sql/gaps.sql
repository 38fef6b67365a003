-- Store gaps. A gap is a time of which a paused or restored ledger may lack data, so that the ledger may not have all
-- messages that citizens got in that time. Gaps are found with the journal of attempts (a folder outside the ledger),
-- the senders' heartbeats and the watch (a monitoring process). Messages are held (not sent) until the journal, a
-- person or the watch shows whether messages were sent in the gap. Attempts that only the journal has are linked to
-- their messages again. Called by store/notices/gaps.py.

-- name: begin_journal
-- Insert the journal that this ledger uses from now on, unless it is the last one already (motcua.journals).
INSERT INTO motcua.journals (journal_id, reason)
SELECT %(journal_id)s, %(reason)s
WHERE
    %(journal_id)s IS DISTINCT FROM (
        SELECT j.journal_id FROM motcua.journals AS j ORDER BY j.journal_no DESC LIMIT 1
    );

-- name: journal
-- Return the journal that this ledger uses, which is the one inserted last (motcua.journals).
SELECT journal_id FROM motcua.journals
ORDER BY journal_no DESC
LIMIT 1;

-- name: note_journal
-- Write the faults that a run found in the journal of attempts, such as a missing file (motcua.sender_life).
UPDATE motcua.sender_life
SET journal_fault = %(fault)s
WHERE journal_fault IS DISTINCT FROM %(fault)s;

-- name: journal_fault
-- Return the faults that the last run found in the journal of attempts (motcua.sender_life).
SELECT journal_fault FROM motcua.sender_life;

-- name: say_at_work
-- Write a heartbeat of the senders when a run begins (motcua.sender_life). In the result, slept_since is the previous
-- heartbeat, if it is so old that the ledger counts as paused since then. is_believed is true if a person declared that
-- this ledger is never restored to an earlier state, or if no agency is enabled yet. Another run that begins in the
-- meantime waits for this transaction.
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
-- Write a sender's heartbeat, unless the senders' last heartbeat is older than sleeps_after (motcua.sender_life). If
-- the last heartbeat is older, slept is true: the ledger was restored or paused, or the sender itself was paused. The
-- next run handles that. The result also has the number of the open gap, if there is one.
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
-- Change the kind of the open gap from slept (the ledger was paused) to behind_watch (the ledger was restored), because
-- the watch had seen the ledger in a newer state than the present one (motcua.gaps). Messages that are held stay held.
UPDATE motcua.gaps
SET kind = 'behind_watch', lost_attempts = %(lost_attempts)s, journal_until = %(journal_until)s
WHERE closed_at IS NULL AND kind = 'slept';

-- name: last_attempt
-- Return when the ledger's last attempt began (motcua.attempts).
SELECT started_at FROM motcua.attempts
ORDER BY attempt_id DESC
LIMIT 1;

-- name: known_references
-- Return the given attempts that the ledger has, as its own attempts or as lost attempts, which only the journal had
-- (motcua.attempts, motcua.lost_attempts).
SELECT a.reference FROM motcua.attempts AS a
WHERE a.reference = any(%(asked)s)
UNION
SELECT l.reference FROM motcua.lost_attempts AS l
WHERE l.reference = any(%(asked)s);

-- name: noticed_since
-- Return whether a gap was noticed since a time (motcua.gaps).
SELECT EXISTS(SELECT 1 FROM motcua.gaps WHERE noticed_at >= %(since)s) AS noticed;

-- name: open
-- Insert an open gap, unless one is open already (motcua.gaps). If the gap holds all messages, queued messages get the
-- reason "restored". If the gap holds only messages recorded up to a time, the SQL statement "hold" changes them.
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
-- Return the open gap, if there is one (motcua.gaps).
SELECT
    gap_no, kind, noticed_at, ledger_until, journal_until, lost_attempts, held_messages, slept_since, held_until
FROM motcua.gaps
WHERE closed_at IS NULL;

-- name: hold
-- Postpone the queued messages that an open gap holds, so that no sender claims them again and again
-- (motcua.messages). These messages were recorded up to the time in held_until. They are postponed to the time at which
-- they are no longer useful. A transaction that closes the gap waits for this SQL statement (FOR SHARE). A message is
-- therefore held before the gap is closed, or not held at all.
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
-- Write held_until of an open gap: the gap holds the messages that were recorded up to this time (motcua.gaps). The
-- caller uses this SQL statement if the journal is damaged, or if the ledger was paused once more.
UPDATE motcua.gaps
SET held_until = %(moment)s
WHERE gap_no = %(gap_no)s AND closed_at IS NULL;

-- name: close
-- Close a gap that a run has settled with the journal, or that a person has examined (motcua.gaps).
UPDATE motcua.gaps
SET closed_at = %(now)s, closed_by = %(closed_by)s, reason = %(reason)s, sent_until = %(sent_until)s
WHERE gap_no = %(gap_no)s AND closed_at IS NULL;

-- name: answer
-- Close an open gap that has held_until (motcua.answer_gap). Messages that were sent up to sent_until may be missing in
-- the restored ledger. NULL means that the ledger was only paused. A person, a run or a watch decides whether the
-- ledger was restored or only paused.
SELECT motcua.answer_gap(%(gap_no)s, %(sent_until)s, %(by)s, %(reason)s, %(gateway)s, %(now)s) AS held;

-- name: testimony
-- Return the last report of a watch on another machine (motcua.outside_watch). No row means that there was no report.
SELECT asked_at, awake_since, sees_since, about, lost_attempts, seen_until
FROM motcua.outside_watch;

-- name: take_testimony
-- Empty the columns in which the last report of a watch on another machine describes a newer state of the ledger than
-- the present one, because a sender has acted on the report (motcua.outside_watch).
UPDATE motcua.outside_watch
SET about = NULL, lost_attempts = NULL, seen_until = NULL;

-- name: give_testimony
-- Store the report of a watch on another machine (motcua.give_testimony).
SELECT motcua.give_testimony(%(awake_since)s, %(sees_since)s, %(about)s, %(lost_attempts)s::integer, %(seen_until)s);

-- name: belief
-- Return who declared that this ledger is never restored to an earlier state, if the declaration is in force
-- (motcua.believed_sleeps).
SELECT said_at, said_by, reason FROM motcua.believed_sleeps
WHERE withdrawn_at IS NULL;

-- name: believe
-- Insert a declaration that this ledger is never restored to an earlier state, unless one is in force
-- (motcua.believed_sleeps).
INSERT INTO motcua.believed_sleeps (said_at, said_by, reason)
VALUES (%(now)s, %(by)s, %(reason)s)
ON CONFLICT ((withdrawn_at IS NULL)) WHERE withdrawn_at IS NULL DO NOTHING;

-- name: doubt
-- Withdraw the declaration that this ledger is never restored to an earlier state (motcua.believed_sleeps).
UPDATE motcua.believed_sleeps
SET withdrawn_at = %(now)s, withdrawn_by = %(by)s
WHERE withdrawn_at IS NULL;

-- name: save_lost
-- Insert the attempts that the journal has and the ledger does not have, each once (motcua.lost_attempts).
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
-- Insert as attempts those lost attempts whose messages are in the ledger again (motcua.attempts, motcua.lost_attempts,
-- motcua.messages). The attempts keep their references, so delivery receipts and the gateway can settle them as usual.
-- A message gets the state unknown if one of its attempts may have reached a phone. The message of an attempt is found
-- by the source's number of the step, or by the due day of an apology. The restored ledger may have planned the message
-- at another step than the one in the journal. In that case the last message of that kind is chosen that was recorded
-- before the attempt and has no attempt of its own. This is done only after the step in the journal has been planned.
-- If several attempts may have arrived, the last one decides the state of the message. Messages are locked first, as in
-- the other SQL statements that apply receipts and answers, so that no deadlock occurs.
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
-- Set messages of unknown outcome after a gap to accepted if the journal has the gateway's acceptance
-- (motcua.messages).
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
-- Return the attempts whose answer the ledger does not have and the journal may have (motcua.attempts). If the
-- parameter since is given, these are the attempts begun since then that a sender left without an answer when it ended.
-- If since is NULL, these are all attempts that a sender left without an answer, and all attempts in flight.
SELECT a.reference, a.started_at
FROM motcua.attempts AS a
WHERE
    (a.state = 'in_flight' AND %(since)s::timestamptz IS NULL)
    OR (
        a.state = 'unknown' AND NOT a.released AND a.gateway_code = 'the sender ended before the answer'
        AND a.started_at >= coalesce(%(since)s, '-infinity')
    );

-- name: take_answers
-- Write gateways' answers from the journal to attempts that have no answer in the ledger (motcua.attempts,
-- motcua.messages). The message of an attempt is then accepted or rejected, or it is queued again because the attempt
-- failed. Messages are locked first, as in the other SQL statements that apply receipts and answers, so that no
-- deadlock occurs.
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
-- Insert once more the delivery receipts that came before their attempts were in the ledger again (motcua.receipts).
-- The copies are then applied to the attempt like new receipts.
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
-- Set to unknown the messages that may have been sent in a gap without a usable journal (motcua.hold_blind).
SELECT motcua.hold_blind(%(gap_no)s, %(gateway)s, %(now)s) AS held;

-- name: waits_for_messages
-- Return whether an attempt of a gap has no message yet (lost) and whether an open gap holds messages recorded up to a
-- time (holds). The column blind has the number of the newest gap without a usable journal whose messages may still be
-- planned (motcua.lost_attempts, motcua.gaps).
SELECT
    EXISTS(SELECT 1 FROM motcua.lost_attempts WHERE message_id IS NULL) AS lost,
    EXISTS(SELECT 1 FROM motcua.gaps WHERE closed_at IS NULL AND held_until IS NOT NULL) AS holds,
    (SELECT max(gap_no) FROM motcua.gaps WHERE sent_until > %(now)s::timestamptz - %(useful_for)s::interval) AS blind;

-- name: list
-- Return gaps, the latest first, with the number of attempts in the journal that have no message (motcua.gaps,
-- motcua.lost_attempts).
SELECT
    g.gap_no, g.kind, g.noticed_at, g.ledger_until, g.journal_until, g.lost_attempts, g.held_messages, g.sent_until,
    g.closed_at, g.closed_by, g.reason, g.slept_since, g.held_until,
    (SELECT count(*) FROM motcua.lost_attempts AS l WHERE l.gap_no = g.gap_no AND l.message_id IS NULL) AS not_found
FROM motcua.gaps AS g
ORDER BY g.gap_no DESC
LIMIT %(limit)s;

-- name: messages
-- Return the number of messages that were or may have been sent in a gap, by kind and present state (motcua.attempts,
-- motcua.messages).
SELECT m.kind, m.state, count(DISTINCT m.message_id) AS messages
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE a.run_id = 'gap ' || %(gap_no)s
GROUP BY m.kind, m.state
ORDER BY m.kind, m.state;

-- name: not_found
-- Return the attempts of a gap whose message the ledger does not have, because the event that the message is about (the
-- occasion) was not read from the source again (motcua.lost_attempts).
SELECT departed_at, gateway, source, agency_code, dossier_code, kind, occasion, outcome
FROM motcua.lost_attempts
WHERE gap_no = %(gap_no)s AND message_id IS NULL
ORDER BY departed_at, lost_id
LIMIT %(limit)s;
