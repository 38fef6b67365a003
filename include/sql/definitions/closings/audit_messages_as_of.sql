-- Every message as its history stood at a row of it.
CREATE OR REPLACE FUNCTION audit.messages_as_of(known_history bigint)
RETURNS TABLE (
    message_id bigint, kind text, dossier_id bigint, agency_code text, procedure_code text, occasion text,
    transition_id bigint, state text, reason text, segments smallint, recorded_at timestamptz, moved_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        m.message_id, m.kind, m.dossier_id, coalesce(m.agency_code, ''), coalesce(m.procedure_code, ''), m.occasion,
        m.transition_id, m.state, m.reason, m.segments, m.recorded_at, m.changed_at
    FROM audit.messages AS m
    WHERE NOT EXISTS (
        SELECT 1 FROM audit.message_history AS l WHERE l.history_id > known_history AND l.message_id = m.message_id
    )
    UNION ALL
    SELECT s.* FROM audit.moved_since(known_history) AS s
$$;
COMMENT ON FUNCTION audit.messages_as_of(bigint)
IS 'Every message as it stood after a move of message_history: its state, and when it had reached it.';
