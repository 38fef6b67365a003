-- A request is kept as it was asked: it is told once, then ends once, and loses the mail addresses in it.
CREATE OR REPLACE FUNCTION motcua.keep_page_request() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_telling CONSTANT text[] := ARRAY['told_at', 'applies_at', 'told', 'untold_because'];
    of_the_end CONSTANT text[] := ARRAY['ended_at', 'ended_by', 'outcome', 'released', 'wanted'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND (
        (OLD.told_at IS NULL AND to_jsonb(OLD) - of_telling = to_jsonb(NEW) - of_telling)
        OR (
            NEW.ended_at IS NOT NULL
            AND to_jsonb(OLD) - of_the_end = to_jsonb(NEW) - of_the_end
            AND NEW.wanted = OLD.wanted - 'addresses'
        )
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'request % is kept as it was asked: % refused', OLD.request_no, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_page_request()
IS 'A request is kept as it was asked: it is told once, then ends once, and loses the mail addresses in it.';
CREATE OR REPLACE TRIGGER keep_page_request BEFORE UPDATE OR DELETE ON motcua.page_requests
FOR EACH ROW EXECUTE FUNCTION motcua.keep_page_request();
