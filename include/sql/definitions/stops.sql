-- What the Department has nothing sent of: until when, what of a stop is fixed, and what auditors may read.

-- Until when messages of a kind and an agency are stopped. One that was ended early stops nothing, whatever its times
-- say: by nobody's clock does it go on. Without an agency: what is of no agency's dossier.
CREATE OR REPLACE FUNCTION motcua.stopped_until(of_kind text, of_agency text, at_time timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT (
        SELECT max(s.until)
        FROM motcua.stops AS s
        WHERE
            s.until > at_time
            AND s.ended_at IS NULL
            AND (s.kind IS NULL OR s.kind = of_kind)
            AND (s.agency_code IS NULL OR s.agency_code = of_agency)
    )
$$;
COMMENT ON FUNCTION motcua.stopped_until(text, text, timestamptz)
IS 'Until when messages of a kind and an agency are stopped by people; empty: they are not.';

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

-- What auditors may read of stops, and of what a closing knew of them: all of it.
CREATE OR REPLACE VIEW audit.stops AS
SELECT stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by FROM motcua.stops;
CREATE OR REPLACE VIEW audit.closing_stops AS
SELECT closing_no, stop_id, ended_at FROM motcua.closing_stops;
