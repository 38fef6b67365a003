-- The messages that moved after a row of message_history, as they had stood at it; one that did not exist yet is none.
CREATE OR REPLACE FUNCTION audit.moved_since(known_history bigint)
RETURNS TABLE (
    message_id bigint, kind text, dossier_id bigint, agency_code text, procedure_code text, occasion text,
    transition_id bigint, state text, reason text, segments smallint, recorded_at timestamptz, moved_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        m.message_id, m.kind, m.dossier_id, coalesce(m.agency_code, ''), coalesce(m.procedure_code, ''), m.occasion,
        m.transition_id, n.from_state, n.from_reason, m.segments, m.recorded_at,
        -- A function: a query here would keep PostgreSQL from reading all the other messages with several processes.
        audit.moved_at(m.message_id, known_history)
    FROM (
        SELECT DISTINCT ON (l.message_id) l.message_id, l.from_state, l.from_reason
        FROM audit.message_history AS l
        WHERE l.history_id > known_history
        ORDER BY l.message_id, l.history_id
    ) AS n
    INNER JOIN audit.messages AS m ON n.message_id = m.message_id
    -- A message whose first move came later did not exist yet.
    WHERE n.from_state IS NOT NULL
$$;
COMMENT ON FUNCTION audit.moved_since(bigint)
IS 'Messages that moved after a move of message_history, as they had stood after it.';
