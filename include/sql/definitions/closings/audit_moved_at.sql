-- When a message had reached the state that it was in after a move of message_history.
CREATE OR REPLACE FUNCTION audit.moved_at(message bigint, known_history bigint)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT max(h.changed_at)
    FROM audit.message_history AS h
    WHERE h.message_id = message AND h.history_id <= known_history AND h.from_state IS DISTINCT FROM h.to_state
$$;
COMMENT ON FUNCTION audit.moved_at(bigint, bigint)
IS 'When a message had reached the state that it was in after a move of message_history.';
