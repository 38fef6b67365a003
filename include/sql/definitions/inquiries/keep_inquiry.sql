-- Only personal data may be emptied in an inquiry.
CREATE OR REPLACE FUNCTION motcua.keep_inquiry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND to_jsonb(OLD) - ARRAY['msisdn', 'text', 'asked_code'] = to_jsonb(NEW) - ARRAY['msisdn', 'text', 'asked_code']
        AND (NEW.msisdn IS NULL OR NEW.msisdn = OLD.msisdn)
        AND (NEW.text IS NULL OR NEW.text = OLD.text)
        AND (NEW.asked_code IS NULL OR NEW.asked_code = OLD.asked_code) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'inquiries is append-only: % refused', TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_inquiry() IS 'Only personal data may be emptied in an inquiry.';
CREATE OR REPLACE TRIGGER keep_inquiry BEFORE UPDATE OR DELETE ON motcua.inquiries
FOR EACH ROW EXECUTE FUNCTION motcua.keep_inquiry();
