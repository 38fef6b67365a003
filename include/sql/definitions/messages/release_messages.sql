-- Messages of unknown outcome that a person lets go again: queued as they are, their attempts no longer in the way, and
-- who, when and why kept. Only while they are useful, and not where a receipt waits to be read that may settle them.
-- The words and the number are those that are there: whoever may call this can queue nothing else.
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
            -- What a receipt that waits to be read may settle.
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
IS 'Has messages of unknown outcome go again, as a person decided; who, when and why is kept.';
