-- Delivery receipts: which receipts are unread (not applied yet), how receipts change attempts and messages, and what
-- auditors may read.

-- Insert the receipts that a statement stored into unread_receipts.
CREATE OR REPLACE FUNCTION motcua.note_unread_receipts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    INSERT INTO motcua.unread_receipts (receipt_id) SELECT receipt_id FROM written;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.note_unread_receipts() IS 'Inserts the receipts that a statement stored into unread_receipts.';
CREATE OR REPLACE TRIGGER note_unread_receipts AFTER INSERT ON motcua.receipts
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION motcua.note_unread_receipts();

-- Delete receipts from unread_receipts once they were applied.
CREATE OR REPLACE FUNCTION motcua.note_read_receipts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    DELETE FROM motcua.unread_receipts WHERE receipt_id IN (SELECT receipt_id FROM written);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.note_read_receipts() IS 'Deletes receipts from unread_receipts once they were applied.';
CREATE OR REPLACE TRIGGER note_read_receipts AFTER INSERT ON motcua.receipt_readings
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION motcua.note_read_receipts();

-- Apply stored receipts to their attempts and messages (motcua.attempts, motcua.messages). Return and store the effect
-- of each receipt (motcua.receipt_readings). The caller gives only the meaning of each receipt. Its gateway, reference
-- and status are read from motcua.receipts. If several receipts are given, a receipt is skipped if another transaction
-- has locked its message. If only one receipt is given, the function waits for the lock. If the ledger has no attempt
-- with a receipt's reference, the receipt gets the effect unknown_reference and changes nothing.
--
-- A receipt changes the message only if its attempt is the message's last one. Otherwise the receipt changes only the
-- attempt, because the message was or will be sent again, for example to a corrected phone number. An attempt still
-- counts as the last one if every later attempt went to the same phone number and failed or was rejected. A queued
-- message changes its state only if its last attempt counted as failed, or if a person allowed another attempt
-- (released). The receipt then proves that the gateway had accepted the message. A receipt that means accepted or
-- delivered also changes a rejected message. If one part of a message in several parts was refused, no receipt makes
-- the message delivered. If the gateway has not answered an attempt yet, the receipt decides the attempt's state at
-- once, because the answer may never come.
--
-- The meaning absent means that the gateway was queried and never had the attempt. The message is then queued again, so
-- only roles that may update messages may give this meaning.
CREATE OR REPLACE FUNCTION motcua.apply_receipts(meanings jsonb, at_moment timestamptz)
RETURNS TABLE (receipt_id bigint, effect text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
#variable_conflict use_column
DECLARE
    locked bigint[];
BEGIN
    IF EXISTS (
        SELECT 1 FROM jsonb_to_recordset(meanings) AS r (meaning text) WHERE r.meaning = 'absent'
    ) AND NOT has_table_privilege(session_user, 'motcua.messages', 'UPDATE') THEN
        RAISE EXCEPTION 'whoever may not move messages may not say that one never arrived'
        USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (
        SELECT 1 FROM jsonb_to_recordset(meanings) AS r (receipt_id bigint)
        WHERE NOT EXISTS (SELECT 1 FROM motcua.receipts AS k WHERE k.receipt_id = r.receipt_id)
    ) THEN
        RAISE EXCEPTION 'a receipt is read once it is stored' USING ERRCODE = 'foreign_key_violation';
    END IF;

    -- Messages are locked before their attempts are read. If several receipts are given, locked messages are skipped,
    -- so that no transaction waits for several messages and no deadlock occurs.
    IF jsonb_array_length(meanings) = 1 THEN
        locked := ARRAY(
            SELECT m.message_id
            FROM jsonb_to_recordset(meanings) AS r (receipt_id bigint)
            INNER JOIN motcua.receipts AS k ON r.receipt_id = k.receipt_id
            INNER JOIN motcua.attempts AS a ON k.reference = a.reference AND k.gateway = a.gateway
            INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
            FOR UPDATE OF m
        );
    ELSE
        locked := ARRAY(
            SELECT m.message_id
            FROM jsonb_to_recordset(meanings) AS r (receipt_id bigint)
            INNER JOIN motcua.receipts AS k ON r.receipt_id = k.receipt_id
            INNER JOIN motcua.attempts AS a ON k.reference = a.reference AND k.gateway = a.gateway
            INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
            FOR UPDATE OF m SKIP LOCKED
        );
    END IF;

    RETURN QUERY
    WITH given AS MATERIALIZED (
        SELECT
            r.receipt_id,
            r.meaning,
            a.attempt_id,
            a.message_id,
            a.state AS attempt_state,
            a.released,
            m.state AS message_state,
            coalesce(m.reason = 'part_refused', FALSE) AS is_closed,
            r.meaning IN ('accepted', 'delivered', 'undelivered', 'refused') AS is_report,
            CASE r.meaning WHEN 'refused' THEN 'undelivered' ELSE r.meaning END AS state,
            r.meaning = 'refused' AND coalesce(a.segments, m.segments) > 1 AS part_refused,
            CASE
                WHEN r.meaning = 'refused' AND coalesce(a.segments, m.segments) > 1 THEN 'part_refused'
                WHEN m.state IN ('expired', 'cancelled', 'suppressed', 'rejected') THEN 'late_receipt'
                WHEN r.meaning IN ('undelivered', 'refused')
                    THEN 'gateway status ' || coalesce(k.gateway_status, 'None')
            END AS reason,
            (m.state <> 'queued' OR m.msisdn IS NOT DISTINCT FROM a.msisdn)
            AND NOT EXISTS (
                SELECT 1 FROM motcua.attempts AS later
                WHERE
                    later.message_id = a.message_id AND later.attempt_id > a.attempt_id
                    AND (later.state NOT IN ('failed', 'rejected') OR later.msisdn IS DISTINCT FROM a.msisdn)
            ) AS is_last
        FROM
            jsonb_to_recordset(meanings) AS r (receipt_id bigint, meaning text)
        INNER JOIN motcua.receipts AS k ON r.receipt_id = k.receipt_id
        LEFT JOIN motcua.attempts AS a ON k.reference = a.reference AND k.gateway = a.gateway
        LEFT JOIN motcua.messages AS m ON a.message_id = m.message_id
        WHERE a.message_id IS NULL OR a.message_id = any(locked)
    ),

    settled AS (
        UPDATE motcua.attempts AS a
        SET
            state = g.state,
            outcome = coalesce(a.outcome, 'receipt'),
            answered_at = coalesce(a.answered_at, at_moment)
        FROM given AS g
        WHERE
            a.attempt_id = g.attempt_id
            AND g.is_report
            AND NOT g.is_closed
            AND (
                a.state IN ('in_flight', 'unknown')
                OR (a.state = 'accepted' AND g.state IN ('delivered', 'undelivered'))
                OR (a.state = 'delivered' AND g.part_refused)
                OR (g.is_last AND a.state = 'failed')
                OR (
                    g.is_last AND g.message_state = 'undelivered' AND a.state = 'undelivered' AND g.state = 'delivered'
                )
                OR (
                    g.is_last
                    AND g.message_state = 'rejected' AND a.state = 'rejected' AND g.state IN ('accepted', 'delivered')
                )
            )
    ),

    moved AS (
        UPDATE motcua.messages AS m
        SET
            state = g.state,
            reason = g.reason,
            accepted_at = coalesce(m.accepted_at, at_moment)
        FROM given AS g
        WHERE
            m.message_id = g.message_id
            AND g.is_report
            AND g.is_last
            AND NOT g.is_closed
            AND (g.message_state <> 'queued' OR g.attempt_state = 'failed' OR g.released)
            AND EXISTS (
                SELECT 1 FROM motcua.message_moves AS v
                WHERE
                    v.from_state = g.message_state AND v.to_state = g.state
                    AND coalesce(v.only_for = g.reason, v.only_for IS NULL)
            )
        RETURNING g.receipt_id
    ),

    never_arrived AS (
        UPDATE motcua.attempts AS a
        SET state = 'failed', answered_at = coalesce(a.answered_at, at_moment)
        FROM given AS g
        WHERE
            a.attempt_id = g.attempt_id
            AND g.meaning = 'absent'
            AND g.is_last
            AND a.state = 'unknown'
            AND NOT a.released
        RETURNING g.receipt_id, g.message_id
    ),

    due_again AS (
        UPDATE motcua.messages AS m
        SET state = 'queued', reason = 'never_arrived', next_attempt_at = at_moment
        FROM never_arrived AS n
        WHERE m.message_id = n.message_id AND m.state = 'unknown'
        RETURNING n.receipt_id
    ),

    effects AS (
        SELECT
            g.receipt_id,
            g.attempt_id,
            g.meaning,
            CASE
                WHEN g.attempt_id IS NULL THEN 'unknown_reference'
                WHEN
                    g.receipt_id IN (
                        SELECT receipt_id FROM moved
                        UNION ALL
                        SELECT receipt_id FROM due_again
                    )
                    THEN 'applied'
                ELSE 'no_change'
            END AS effect
        FROM given AS g
    ),

    kept AS (
        INSERT INTO motcua.receipt_readings (receipt_id, attempt_id, meaning, effect)
        SELECT
            e.receipt_id,
            e.attempt_id,
            e.meaning,
            e.effect
        FROM effects AS e
        ON CONFLICT (receipt_id) DO NOTHING
    )

    SELECT
        e.receipt_id,
        e.effect
    FROM effects AS e;
END
$$;
COMMENT ON FUNCTION motcua.apply_receipts(jsonb, timestamptz)
IS 'Applies stored receipts to their messages, as far as the table message_moves allows, and stores the effect of each.';

-- Return a gateway's text in which every sequence of eight or more digits is masked, even if blanks or other signs
-- separate the digits. Our own references (32 hexadecimal digits) stay as they are.
CREATE OR REPLACE FUNCTION motcua.without_numbers(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN written ~ '^[0-9a-f]{32}$' THEN written
    ELSE regexp_replace(
        translate(normalize(written, nfkc), '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '01234567890123456789'),
        '[0-9]([^0-9A-Za-z]{0,5}[0-9]){7,}', '***', 'g'
    )
END;
COMMENT ON FUNCTION motcua.without_numbers(text)
IS 'Returns a gateway''s text with every run of eight or more digits masked, however the digits are grouped. Our own references stay as they are.';

-- Let auditors read delivery receipts, with numbers masked.
CREATE OR REPLACE VIEW audit.receipts AS
SELECT
    r.receipt_id, r.gateway, r.received_at, motcua.without_numbers(r.reference) AS reference,
    motcua.without_numbers(r.gateway_status) AS gateway_status, s.attempt_id, s.meaning, s.effect, s.read_at
FROM motcua.receipts AS r
LEFT JOIN motcua.receipt_readings AS s ON r.receipt_id = s.receipt_id;
