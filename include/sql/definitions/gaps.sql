-- Functions and views for gaps. A gap is a time of which the ledger may lack data, because the ledger was restored or
-- paused.
-- A watch (a monitoring process) on another machine reports whether it had seen data that the ledger now lacks.

-- Give the state unknown to the queued messages that may have been sent in a gap, and return their number
-- (motcua.messages). This is done for a gap of which no journal (the record of attempts outside the ledger) shows what
-- was sent. Each message gets an attempt of unknown outcome (motcua.attempts). Because of this attempt, people see the
-- message and can order that it is sent once more. A line of the provider's bill can also be matched with the attempt.
-- The gateway is never queried about the attempt, because no gateway knows the attempt's reference.
CREATE OR REPLACE FUNCTION motcua.hold_blind(of_gap bigint, at_gateway text, at_moment timestamptz)
RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, motcua AS $$
WITH theirs AS MATERIALIZED (
    SELECT m.message_id, coalesce(m.msisdn, d.msisdn) AS msisdn, m.segments, g.gap_no, g.sent_until
    FROM motcua.gaps AS g
    INNER JOIN motcua.messages AS m ON m.state = 'queued' AND g.sent_until >= m.recorded_at
    INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
    WHERE
        g.gap_no = of_gap
        AND coalesce(m.msisdn, d.msisdn) IS NOT NULL
        AND NOT EXISTS (
            SELECT 1 FROM motcua.attempts AS a
            WHERE
                a.message_id = m.message_id
                AND (
                    a.run_id = 'gap ' || g.gap_no
                    OR (a.state IN ('in_flight', 'unknown', 'accepted', 'delivered') AND NOT a.released)
                )
        )
    ORDER BY m.message_id
    FOR UPDATE OF m
),

attempted AS (
    INSERT INTO motcua.attempts (
        message_id, gateway, reference, sender_id, run_id, msisdn, segments, started_at, state, outcome, answered_at,
        gateway_code
    )
    SELECT
        t.message_id, at_gateway, 'gap ' || t.gap_no || ' message ' || t.message_id, 0, 'gap ' || t.gap_no, t.msisdn,
        t.segments, least(t.sent_until, at_moment), 'unknown', 'unknown', at_moment, 'the journal is lost'
    FROM theirs AS t
    RETURNING message_id
),

held AS (
    UPDATE motcua.messages AS m
    SET state = 'unknown', reason = 'restored'
    FROM attempted AS a
    WHERE m.message_id = a.message_id
    RETURNING m.message_id
)

SELECT count(*) FROM held
$$;
COMMENT ON FUNCTION motcua.hold_blind(bigint, text, timestamptz)
IS 'Gives the state unknown to the queued messages that may have been sent in a gap, for a gap of which no journal shows what was sent. Returns the number of these messages.';

-- Close an open gap with a person's answer, and store the person's name and reason (motcua.gaps). The gap must be one
-- that holds messages, namely those recorded up to held_until. If sent_by is a time, the ledger was restored, and
-- messages may have been sent until sent_by. Held messages that were recorded up to sent_by then become unknown, and
-- the other held messages are released. If sent_by is NULL, the ledger was only paused, and all held messages are
-- released. Return the number of messages that became unknown, or NULL if no such gap is open.
CREATE OR REPLACE FUNCTION motcua.answer_gap(
    of_gap bigint, sent_by timestamptz, said_by text, because text, at_gateway text, at_moment timestamptz
)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
DECLARE
    of_unknown_outcome bigint := 0;
    woke_at timestamptz;
BEGIN
    IF coalesce(btrim(said_by), '') = '' OR coalesce(btrim(because), '') = '' THEN
        RAISE EXCEPTION 'a gap is answered by somebody, with a reason' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE motcua.gaps AS g
    SET
        closed_at = at_moment,
        closed_by = said_by,
        reason = because,
        sent_until = CASE WHEN sent_by IS NOT NULL THEN least(sent_by, g.held_until) END
    WHERE g.gap_no = of_gap AND g.closed_at IS NULL AND g.held_until IS NOT NULL
    RETURNING g.held_until INTO woke_at;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF sent_by IS NOT NULL THEN
        of_unknown_outcome := motcua.hold_blind(of_gap, at_gateway, at_moment);
    END IF;
    UPDATE motcua.messages AS m
    SET reason = NULL, next_attempt_at = least(m.next_attempt_at, woke_at)
    WHERE m.state = 'queued' AND m.reason = 'slept';
    RETURN of_unknown_outcome;
END
$$;
COMMENT ON FUNCTION motcua.answer_gap(bigint, timestamptz, text, text, text, timestamptz)
IS 'Closes a gap with a person''s answer: either the ledger was restored and may have sent messages until a given time, or it was only paused.';

-- Return the facts about the ledger that a watch on another machine may see: the number of the newest attempt, the
-- number of the newest change of a message, the last heartbeat of the senders (at_work_at), the time of the last round
-- of the server's own watch, and the open alerts. While a gap is open because the ledger was paused, at_work_at and
-- slept_since are both the last heartbeat before the pause, and woke_at is the time at which the pause ended.
CREATE OR REPLACE FUNCTION motcua.seen_from_outside()
RETURNS TABLE (
    attempt_id bigint, history_id bigint, at_work_at timestamptz, woke_at timestamptz, slept_since timestamptz,
    watch_looked_at timestamptz, alerts jsonb
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, motcua AS $$
SELECT
    coalesce((SELECT max(a.attempt_id) FROM motcua.attempts AS a), 0),
    coalesce((SELECT max(h.history_id) FROM motcua.message_history AS h), 0),
    coalesce(g.slept_since, (SELECT l.looked_at FROM motcua.sender_life AS l)),
    g.held_until,
    g.slept_since,
    (SELECT w.looked_at FROM motcua.watch_life AS w),
    coalesce(
        (
            SELECT jsonb_agg(jsonb_build_object('name', r.name, 'subject', r.subject) ORDER BY r.name, r.subject)
            FROM motcua.alerts AS r
            WHERE r.over_at IS NULL
        ),
        '[]'
    )
FROM (VALUES (1)) AS one (number)
LEFT JOIN motcua.gaps AS g ON g.closed_at IS NULL AND g.kind = 'slept'
$$;
COMMENT ON FUNCTION motcua.seen_from_outside()
IS 'Returns what a watch on another machine may see: the number of the newest attempt and of the newest change of a message, heartbeats, an open gap and the names of open alerts; nothing about a citizen.';

-- Store the report of a watch on another machine in place of its previous report (motcua.outside_watch). lost_attempts
-- and seen_until are given if the watch had seen a later state of the ledger than the present one. If the new report
-- does not give them, their values from the previous report stay, until a sender has acted on these.
CREATE OR REPLACE FUNCTION motcua.give_testimony(
    awake timestamptz, sees timestamptz, of_waking timestamptz, lost integer, seen_last timestamptz
)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, motcua AS $$
INSERT INTO motcua.outside_watch AS o (asked_at, awake_since, sees_since, about, lost_attempts, seen_until)
VALUES (clock_timestamp(), awake, sees, of_waking, lost, seen_last)
ON CONFLICT (only_one) DO UPDATE SET
    asked_at = excluded.asked_at,
    awake_since = excluded.awake_since,
    sees_since = excluded.sees_since,
    about = excluded.about,
    lost_attempts = coalesce(excluded.lost_attempts, o.lost_attempts),
    seen_until = CASE WHEN excluded.lost_attempts IS NULL THEN o.seen_until ELSE excluded.seen_until END
$$;
COMMENT ON FUNCTION motcua.give_testimony(timestamptz, timestamptz, timestamptz, integer, timestamptz)
IS 'Stores the report of a watch on another machine: since when it was awake, and whether it had seen a later state of the ledger. Senders read the report.';

-- Let auditors read gaps, and the attempts that a journal had and a restored ledger lacked.
CREATE OR REPLACE VIEW audit.gaps AS
SELECT
    gap_no, kind, noticed_at, ledger_until, journal_until, lost_attempts, held_messages, sent_until, closed_at,
    closed_by, reason, slept_since, held_until
FROM motcua.gaps;
CREATE OR REPLACE VIEW audit.lost_attempts AS
SELECT
    lost_id, gap_no, reference, gateway, departed_at, source, agency_code, dossier_code, kind, occasion, segments,
    outcome, answered_at, motcua.without_numbers(gateway_reference) AS gateway_reference, message_id, adopted_at
FROM motcua.lost_attempts;
