-- A message begins in a state that a message may begin in, and moves along motcua.message_moves alone, some moves for
-- one reason only. Its words stay as they were planned. Where it waits, its number becomes its dossier's present
-- one alone, which the claim looks up once more. One whose number and words were emptied waits for nothing.
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
            -- What may be emptied, and by whom, motcua.may_only_be_emptied decides.
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
            (NEW.text, NEW.parameters) IS DISTINCT FROM (OLD.text, OLD.parameters)
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
