-- A stop is kept as it was said; it may be ended early, once.
CREATE OR REPLACE FUNCTION motcua.keep_stop() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change text[] := ARRAY['ended_at', 'ended_by'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
        AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'stop % is kept as it was said: % refused', OLD.stop_id, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_stop() IS 'A stop is kept as it was said; it may be ended early, once.';
CREATE OR REPLACE TRIGGER keep_stop BEFORE UPDATE OR DELETE ON motcua.stops
FOR EACH ROW EXECUTE FUNCTION motcua.keep_stop();
