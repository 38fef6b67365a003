-- A refusal may be set aside once; nothing else of it changes.
CREATE OR REPLACE FUNCTION motcua.keep_refused_statement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change text[] := ARRAY['set_aside_at', 'set_aside_by', 'set_aside_reason'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.set_aside_at IS NULL AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'refusal % is append-only: % refused', OLD.refusal_no, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_refused_statement() IS 'A refusal may be set aside once; nothing else of it changes.';
CREATE OR REPLACE TRIGGER keep_refused_statement BEFORE UPDATE OR DELETE ON motcua.refused_statements
FOR EACH ROW EXECUTE FUNCTION motcua.keep_refused_statement();
