-- A message's changed_at and its history tell the same moment, so that a time to delivery is the same by either.
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
