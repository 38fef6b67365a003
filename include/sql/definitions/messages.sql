-- Messages: whether the occasion of a message (the event that it is about) still holds, whether a message may be sent,
-- which changes of state are refused, how a message is released (queued again), and what auditors may read. The
-- occasion of a result or a supplement is a dossier's entry into the condition that calls for such a message
-- (motcua.condition_of). A step of a dossier (motcua.transitions) can enter or leave the condition. An old step, which
-- somebody typed in late (motcua.old_steps), counts only if the dossier's row at the source confirms it.

-- Show for each message of a dossier the facts that the sender checks just before it calls the gateway, except facts
-- about the dossier's other messages. Such facts are the present phone number and agency, why the occasion does not
-- hold any more, and until when the message waits for a new reading of the dossier's row. known_elsewhere_as identifies
-- the occasion outside the ledger: by the source's number of the transition, by the word "row" if only the dossier's
-- row showed the change, or by the due day of an apology. The ledger's own numbers cannot identify the occasion,
-- because a restored ledger may give the same numbers to other rows.
CREATE OR REPLACE VIEW motcua.occasion_conditions AS
SELECT
    m.message_id,
    m.dossier_id,
    m.kind,
    m.transition_id,
    d.msisdn,
    -- A phone number that the purge emptied counts as missing until the dossier's row is read again.
    coalesce(d.phone_refusal, CASE WHEN d.msisdn IS NULL THEN 'missing' END) AS phone_refusal,
    d.returned_at,
    m.kind = any(g.kinds_off) AS kind_off,
    CASE m.kind WHEN 'apology' THEN motcua.apology_holds(m.dossier_id, m.occasion) ELSE w.gone IS NULL END
        AS occasion_holds,
    s.picked_up_at AS source_read_at,
    w.gone,
    nullif(w.waits_until, 'infinity') AS waits_until,
    coalesce(w.waits_until = 'infinity', FALSE) AS waits_for_row,
    s.name AS source,
    d.agency_code,
    d.dossier_code,
    CASE
        WHEN m.kind = 'apology' THEN m.occasion
        ELSE coalesce(
            (
                SELECT 'number ' || t.source_transition_id FROM motcua.transitions AS t
                WHERE t.transition_id = m.transition_id
            ), 'row'
        )
    END AS known_elsewhere_as,
    g.waits_for_opening
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.sources AS s ON d.source_id = s.source_id
LEFT JOIN LATERAL motcua.occasion_standing(m.dossier_id, m.transition_id, m.kind) AS w ON m.kind <> 'apology';
COMMENT ON VIEW motcua.occasion_conditions
IS 'Shows for each message the facts that the sender checks just before it calls the gateway, except facts about the dossier''s other messages. Holds personal data.';

-- Return whether a dossier stayed in the condition that calls for a message of a kind, between two transitions that
-- entered the condition (motcua.transitions). The result is true if "earlier" comes before "later", and no step that
-- counts left the condition between the two (motcua.was_left).
CREATE OR REPLACE FUNCTION motcua.is_same_state(of_dossier bigint, earlier bigint, later bigint, of_kind text)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT
        (e.sequence, e.from_row, e.transition_id) < (l.sequence, l.from_row, l.transition_id)
        AND NOT motcua.was_left(of_dossier, earlier, later, of_kind)
    FROM motcua.transitions AS e
    CROSS JOIN motcua.transitions AS l
    WHERE e.transition_id = earlier AND l.transition_id = later
$$;
COMMENT ON FUNCTION motcua.is_same_state(bigint, bigint, bigint, text)
IS 'Returns whether a dossier stayed in the condition that calls for a message of a kind, between two transitions that entered the condition.';

-- Return whether an earlier message covers a dossier's entry into the condition that calls for a message of a kind
-- (motcua.messages, motcua.transitions). A message covers the entry if it has this kind and one of the given states, is
-- about an earlier entry, and no step that counts left the condition between the two entries. The result is NULL if no
-- earlier entry has such a message. Only the newest earlier entry with such a message is checked. This is enough: if
-- the dossier did not leave the condition since an older entry, it did not leave the condition since the newest one
-- either. The cost therefore does not grow with the number of messages.
CREATE OR REPLACE FUNCTION motcua.is_told_of(of_dossier bigint, entry bigint, of_kind text, in_states text[])
RETURNS boolean LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT motcua.is_same_state(of_dossier, b.transition_id, entry, of_kind)
    FROM (
        SELECT e.transition_id
        FROM motcua.transitions AS e
        WHERE
            e.dossier_id = of_dossier
            -- The position of the given entry is read in subqueries. In a join, all entries would be sorted first.
            AND (e.sequence, e.from_row, e.transition_id) < (
                (SELECT l.sequence FROM motcua.transitions AS l WHERE l.transition_id = entry),
                (SELECT l.from_row FROM motcua.transitions AS l WHERE l.transition_id = entry),
                entry
            )
            -- A count is used because PostgreSQL evaluates it for each entry, the newest first. For a join it could
            -- read all messages in these states.
            AND 0 < (
                SELECT count(*) FROM motcua.messages AS p
                WHERE
                    p.transition_id = e.transition_id AND p.kind IN ('result', 'supplement')
                    AND p.kind = of_kind AND p.dossier_id = of_dossier AND p.state = any(in_states)
            )
        ORDER BY e.sequence DESC, e.from_row DESC, e.transition_id DESC
        LIMIT 1
    ) AS b
$$;
COMMENT ON FUNCTION motcua.is_told_of(bigint, bigint, text, text[])
IS 'Returns whether the dossier entered the condition that calls for a message of a kind before the given entry too, has a message of this kind in one of the given states about that earlier entry, and did not leave the condition in between.';

-- Return whether a dossier left the condition that calls for a message of a kind, by a step that counts, after
-- since_transition and, if until_transition is given, before until_transition (motcua.transitions, motcua.old_steps).
CREATE OR REPLACE FUNCTION motcua.was_left(
    of_dossier bigint, since_transition bigint, until_transition bigint, of_kind text
)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1
        FROM motcua.transitions AS t
        INNER JOIN motcua.transitions AS first ON first.transition_id = since_transition
        LEFT JOIN motcua.transitions AS last ON last.transition_id = until_transition
        LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
        LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
        WHERE
            t.dossier_id = of_dossier
            AND (t.sequence, t.from_row, t.transition_id) > (first.sequence, first.from_row, first.transition_id)
            AND (
                last.transition_id IS NULL
                OR (t.sequence, t.from_row, t.transition_id) < (last.sequence, last.from_row, last.transition_id)
            )
            AND motcua.condition_of(t.status_code, t.at_one_stop_desk) IS DISTINCT FROM of_kind
            -- An old step does not count as long as the dossier's row was not read again, or if the row still shows the
            -- condition.
            AND (
                o.transition_id IS NULL
                OR (
                    v.version_id IS NOT NULL
                    AND motcua.condition_of(v.status_code, v.at_one_stop_desk) IS DISTINCT FROM of_kind
                )
            )
    )
$$;
COMMENT ON FUNCTION motcua.was_left(bigint, bigint, bigint, text)
IS 'Returns whether a dossier left the condition that calls for a message of a kind, by a step that counts, after since_transition and, if until_transition is given, before until_transition.';

-- Return whether the occasion that began with a transition still holds (gone), and until when its message waits
-- (waits_until). The column gone is empty if the occasion holds. Otherwise it has the reason:
-- - taken_back: the dossier left the condition.
-- - outdated: the occasion began with an old step that the dossier's row does not confirm.
-- - superseded: a later entry into the condition has a message, and only old steps that do not count left the condition
--   between the two entries.
-- A message waits if an old step is not judged yet: a new reading of the dossier's row will show whether the step
-- counts. waits_until is infinity if the occasion itself began with this old step. The message then waits until the row
-- is read. The function is written in PL/pgSQL so that PostgreSQL plans it separately. If it were inlined into a query
-- about a few messages, the query would read all messages.
CREATE OR REPLACE FUNCTION motcua.occasion_standing(of_dossier bigint, since_transition bigint, of_kind text)
RETURNS TABLE (gone text, waits_until timestamptz) LANGUAGE plpgsql STABLE ROWS 1 SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY
    SELECT
        CASE
            WHEN motcua.was_left(of_dossier, since_transition, NULL, of_kind) THEN 'taken_back'
            WHEN e.is_old AND NOT e.is_confirmed AND e.is_judged THEN 'outdated'
            -- The dossier entered the condition again, and only old steps that do not count lie in between. The message
            -- about the later entry is then the valid one.
            WHEN EXISTS (
                SELECT 1
                FROM motcua.transitions AS s
                LEFT JOIN motcua.old_steps AS o ON s.transition_id = o.transition_id
                LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
                WHERE
                    s.dossier_id = of_dossier
                    AND (s.sequence, s.from_row, s.transition_id) > (e.sequence, e.from_row, e.transition_id)
                    AND (
                        o.transition_id IS NULL
                        OR motcua.condition_of(v.status_code, v.at_one_stop_desk) IS NOT DISTINCT FROM of_kind
                    )
                    -- A count is used because PostgreSQL evaluates it for each later step. For a join it would read all
                    -- messages of the dossier.
                    AND 0 < (
                        SELECT count(*)
                        FROM motcua.messages AS n
                        WHERE
                            n.transition_id = s.transition_id AND n.kind IN ('result', 'supplement')
                            AND n.dossier_id = of_dossier AND n.kind = of_kind
                            AND n.state NOT IN ('cancelled', 'expired')
                    )
            ) THEN 'superseded'
        END,
        CASE
            WHEN e.is_old AND NOT e.is_confirmed AND NOT e.is_judged THEN 'infinity'
            ELSE (
                SELECT max(o.read_from)
                FROM motcua.old_steps AS o
                INNER JOIN motcua.transitions AS t ON o.transition_id = t.transition_id
                WHERE
                    o.dossier_id = of_dossier AND o.version_id IS NULL
                    AND (t.sequence, t.from_row, t.transition_id) > (e.sequence, e.from_row, e.transition_id)
                    AND motcua.condition_of(t.status_code, t.at_one_stop_desk) IS DISTINCT FROM of_kind
            )
        END
    FROM (
        SELECT
            f.sequence,
            f.from_row,
            f.transition_id,
            o.transition_id IS NOT NULL AS is_old,
            o.version_id IS NOT NULL AS is_judged,
            o.transition_id IS NOT NULL AND (
                coalesce(motcua.condition_of(v.status_code, v.at_one_stop_desk) = of_kind, FALSE)
                -- A step into the same condition that is not old also confirms the entry, if the dossier did not leave
                -- the condition between the two. Either of the two may have the lower number.
                OR EXISTS (
                    SELECT 1
                    FROM motcua.transitions AS t
                    WHERE
                        t.dossier_id = of_dossier
                        AND motcua.condition_of(t.status_code, t.at_one_stop_desk) = of_kind
                        AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS p WHERE p.transition_id = t.transition_id)
                        AND NOT EXISTS (
                            SELECT 1
                            FROM motcua.transitions AS b
                            WHERE
                                b.dossier_id = of_dossier
                                AND (b.sequence, b.from_row, b.transition_id) > least(
                                    (f.sequence, f.from_row, f.transition_id), (t.sequence, t.from_row, t.transition_id)
                                )
                                AND (b.sequence, b.from_row, b.transition_id) < greatest(
                                    (f.sequence, f.from_row, f.transition_id), (t.sequence, t.from_row, t.transition_id)
                                )
                                AND motcua.condition_of(b.status_code, b.at_one_stop_desk) IS DISTINCT FROM of_kind
                        )
                )
            ) AS is_confirmed
        FROM motcua.transitions AS f
        LEFT JOIN motcua.old_steps AS o ON f.transition_id = o.transition_id
        LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
        WHERE f.transition_id = since_transition
    ) AS e;
END
$$;
COMMENT ON FUNCTION motcua.occasion_standing(bigint, bigint, text)
IS 'Returns why the occasion that began with a transition no longer holds (taken_back: the dossier left the condition; outdated: the dossier''s row does not confirm the old step with which the occasion began; superseded: a later entry into the condition has a message and only old steps that do not count left the condition in between; empty: the occasion holds), and until when its message waits for a new reading of the dossier''s row, which shows whether an old step counts (infinity: until the row is read).';

-- Return whether the occasion that began with a transition still holds. motcua.occasion_standing also returns why an
-- occasion does not hold.
CREATE OR REPLACE FUNCTION motcua.occasion_holds(of_dossier bigint, since_transition bigint, of_kind text)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT s.gone IS NULL FROM motcua.occasion_standing(of_dossier, since_transition, of_kind) AS s
$$;
COMMENT ON FUNCTION motcua.occasion_holds(bigint, bigint, text)
IS 'Returns whether the occasion that began with a transition still holds. motcua.occasion_standing gives the reason if it does not.';

-- Show for each message of a dossier the facts that the sender checks just before it calls the gateway: the facts of
-- occasion_conditions, and when other messages of the same dossier and kind were sent. told_of_this is true if an
-- earlier message that was sent covers the same occasion (motcua.is_told_of). unsettled_of_this is true if such an
-- earlier message is being sent or has an unknown outcome.
CREATE OR REPLACE VIEW motcua.sending_conditions AS
SELECT
    m.message_id,
    m.msisdn,
    m.phone_refusal,
    m.returned_at,
    m.kind_off,
    m.occasion_holds,
    others.told_at,
    others.unsettled_since,
    m.source_read_at,
    m.gone,
    m.waits_until,
    m.waits_for_row,
    -- An apology has no transition, so these two columns are false for it.
    others.is_told
    AND coalesce(
        motcua.is_told_of(m.dossier_id, m.transition_id, m.kind, '{accepted, delivered, unconfirmed}'), FALSE
    ) AS told_of_this,
    others.is_unsettled
    AND coalesce(motcua.is_told_of(m.dossier_id, m.transition_id, m.kind, '{sending, unknown}'), FALSE)
        AS unsettled_of_this,
    m.source,
    m.agency_code,
    m.dossier_code,
    m.known_elsewhere_as,
    m.waits_for_opening
FROM motcua.occasion_conditions AS m
CROSS JOIN LATERAL (
    SELECT
        max(o.accepted_at) FILTER (WHERE o.state IN ('accepted', 'delivered', 'unconfirmed')) AS told_at,
        max((SELECT max(a.started_at) FROM motcua.attempts AS a WHERE a.message_id = o.message_id))
        FILTER (WHERE o.state IN ('sending', 'unknown')) AS unsettled_since,
        coalesce(bool_or(o.state IN ('accepted', 'delivered', 'unconfirmed')), FALSE) AS is_told,
        coalesce(bool_or(o.state IN ('sending', 'unknown')), FALSE) AS is_unsettled
    FROM motcua.messages AS o
    WHERE o.dossier_id = m.dossier_id AND o.kind = m.kind AND o.message_id <> m.message_id
) AS others;
COMMENT ON VIEW motcua.sending_conditions
IS 'Shows for each message the facts that the sender checks just before it calls the gateway. Holds personal data.';

-- Refuse a new message in a state in which messages may not begin (motcua.message_states), and every change of state
-- that motcua.message_moves does not list. The table message_moves allows some changes only for one reason. The text of
-- a message never changes, except that the purge empties it. The phone number may only be replaced by the dossier's
-- present number. This is not checked if the message becomes sending, because the sender has just read the number. A
-- message whose personal data was emptied may not wait or be sent.
CREATE OR REPLACE FUNCTION motcua.enforce_message_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT (NEW.kind = 'reply' AND NEW.state = 'accepted')
            AND NOT EXISTS (SELECT 1 FROM motcua.message_states WHERE state = NEW.state AND may_begin) THEN
            RAISE EXCEPTION 'a message may not begin as %', NEW.state USING ERRCODE = 'MC002';
        END IF;
    ELSIF NEW.state = OLD.state
        AND (NEW.state NOT IN ('queued', 'suppressed') OR NEW.purged_at IS DISTINCT FROM OLD.purged_at) THEN
        IF (NEW.msisdn, NEW.text, NEW.occasion, NEW.dossier_id, NEW.kind)
            IS DISTINCT FROM (OLD.msisdn, OLD.text, OLD.occasion, OLD.dossier_id, OLD.kind)
            -- The trigger motcua.may_only_be_emptied decides what may be emptied and by which role.
            AND NEW.purged_at IS NOT DISTINCT FROM OLD.purged_at THEN
            RAISE EXCEPTION 'message % is %: its number and words are fixed', OLD.message_id, OLD.state
            USING ERRCODE = 'MC002';
        END IF;
    ELSIF NOT EXISTS (
        SELECT 1 FROM motcua.message_moves
        WHERE from_state = OLD.state AND to_state = NEW.state AND coalesce(only_for = NEW.reason, only_for IS NULL)
    ) THEN
        RAISE EXCEPTION 'message % may not move from % to %', OLD.message_id, OLD.state, NEW.state
        USING ERRCODE = 'MC002';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.purged_at IS NOT DISTINCT FROM OLD.purged_at
        AND (
            (NEW.text, NEW.parameters, NEW.accented_parameters)
            IS DISTINCT FROM (OLD.text, OLD.parameters, OLD.accented_parameters)
            OR (
                NEW.msisdn IS DISTINCT FROM OLD.msisdn AND NEW.state <> 'sending'
                AND NOT EXISTS (
                    SELECT 1 FROM motcua.dossiers AS d WHERE d.dossier_id = NEW.dossier_id AND d.msisdn = NEW.msisdn
                )
            )
        ) THEN
        RAISE EXCEPTION 'message %: its words are those it was planned with, its number is its dossier''s',
            OLD.message_id USING ERRCODE = 'MC002';
    END IF;
    IF NEW.purged_at IS NOT NULL AND NEW.state IN ('queued', 'sending', 'unknown') THEN
        RAISE EXCEPTION 'message % has no number and no words any more: it may not be %', NEW.message_id, NEW.state
        USING ERRCODE = 'MC002';
    END IF;
    IF TG_OP = 'INSERT' OR NEW.state <> OLD.state THEN
        NEW.changed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER enforce_message_move BEFORE INSERT OR UPDATE ON motcua.messages
FOR EACH ROW EXECUTE FUNCTION motcua.enforce_message_move();

-- Insert each change of a message's state or reason into message_history. For a change of state, changed_at has the
-- same value there as in messages, so that both tables have the same time of delivery.
CREATE OR REPLACE FUNCTION motcua.keep_message_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO motcua.message_history (message_id, changed_at, to_state, to_reason)
        VALUES (NEW.message_id, NEW.changed_at, NEW.state, NEW.reason);
    ELSIF NEW.state <> OLD.state THEN
        INSERT INTO motcua.message_history (message_id, changed_at, from_state, from_reason, to_state, to_reason)
        VALUES (NEW.message_id, NEW.changed_at, OLD.state, OLD.reason, NEW.state, NEW.reason);
    ELSIF NEW.reason IS DISTINCT FROM OLD.reason THEN
        INSERT INTO motcua.message_history (message_id, from_state, from_reason, to_state, to_reason)
        VALUES (NEW.message_id, OLD.state, OLD.reason, NEW.state, NEW.reason);
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER keep_message_history AFTER INSERT OR UPDATE ON motcua.messages
FOR EACH ROW EXECUTE FUNCTION motcua.keep_message_history();

-- Release messages of unknown outcome, as a person decided. The messages are queued again (motcua.messages). Their
-- attempts are marked as released, so that they do not prevent another attempt (motcua.attempts). The person, the time
-- and the reason are stored (motcua.releases). A message is not released after useful_until, or if an unread delivery
-- receipt may show its outcome. The text and the phone number stay as they are, so a role that may call this function
-- cannot use it to queue anything else.
CREATE OR REPLACE FUNCTION motcua.release_messages(
    let_go_by text, because text, at_moment timestamptz, of_messages bigint[], at_gateway text,
    recorded_from timestamptz, recorded_until timestamptz
)
RETURNS TABLE (message_id bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
#variable_conflict use_column
BEGIN
    IF coalesce(btrim(let_go_by), '') = '' OR coalesce(btrim(because), '') = '' THEN
        RAISE EXCEPTION 'a release needs who does it and why' USING ERRCODE = 'check_violation';
    END IF;
    RETURN QUERY
    WITH held AS MATERIALIZED (
        SELECT m.message_id, a.attempt_id
        FROM motcua.messages AS m
        INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
        WHERE
            m.state = 'unknown'
            AND a.state = 'unknown'
            AND NOT a.released
            AND m.useful_until > at_moment
            -- An unread delivery receipt may settle the message.
            AND NOT EXISTS (
                SELECT 1
                FROM motcua.unread_receipts AS u
                INNER JOIN motcua.receipts AS r ON u.receipt_id = r.receipt_id
                WHERE r.gateway = a.gateway AND r.reference = a.reference
            )
            AND (of_messages IS NULL OR m.message_id = any(of_messages))
            AND (at_gateway IS NULL OR a.gateway = at_gateway)
            AND (recorded_from IS NULL OR (m.recorded_at >= recorded_from AND m.recorded_at < recorded_until))
        ORDER BY m.message_id
        FOR UPDATE OF m SKIP LOCKED
    ),

    let_go AS (
        UPDATE motcua.attempts AS a
        SET released = TRUE
        FROM held AS h
        WHERE a.attempt_id = h.attempt_id
        RETURNING a.attempt_id
    ),

    kept AS (
        INSERT INTO motcua.releases (message_id, attempt_id, released_at, released_by, reason)
        SELECT h.message_id, h.attempt_id, at_moment, let_go_by, because
        FROM held AS h
        INNER JOIN let_go AS l ON h.attempt_id = l.attempt_id
        RETURNING message_id
    )

    UPDATE motcua.messages AS m
    SET state = 'queued', reason = 'released', next_attempt_at = at_moment, avoid = '{}'
    FROM kept AS k
    WHERE m.message_id = k.message_id
    RETURNING m.message_id;
END
$$;
COMMENT ON FUNCTION motcua.release_messages(text, text, timestamptz, bigint[], text, timestamptz, timestamptz)
IS 'Releases messages of unknown outcome, as a person decided, and stores who, when and why.';

-- Let auditors read messages, their states, attempts and releases, without phone numbers and texts. Numbers in a
-- gateway's answer are masked.
CREATE OR REPLACE VIEW audit.messages AS
SELECT
    message_id, kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, template_id,
    template_version, accented, segments, occurred_at, recorded_at, planned_at, useful_until, next_attempt_at,
    attempts_made, accepted_at, changed_at, carrier
FROM motcua.messages;
CREATE OR REPLACE VIEW audit.message_history AS
SELECT history_id, message_id, changed_at, from_state, from_reason, to_state, to_reason FROM motcua.message_history;
CREATE OR REPLACE VIEW audit.attempts AS
SELECT
    attempt_id,
    message_id,
    gateway,
    reference,
    run_id,
    state,
    started_at,
    answered_at,
    outcome,
    http_status,
    motcua.without_numbers(gateway_code) AS gateway_code,
    motcua.without_numbers(gateway_reference) AS gateway_reference,
    segments,
    concerns,
    settlings,
    released,
    unit,
    accented,
    carrier
FROM motcua.attempts;
CREATE OR REPLACE VIEW audit.releases AS
SELECT release_id, message_id, attempt_id, released_at, released_by, reason FROM motcua.releases;
