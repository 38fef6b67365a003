-- A sealed run refuses change, also from a hand-typed statement.
CREATE OR REPLACE FUNCTION motcua.keep_quality_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.sealed_at IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'run % is sealed: % refused', OLD.run_no, TG_OP USING ERRCODE = 'MC001';
END
$$;
CREATE OR REPLACE TRIGGER keep_quality_run BEFORE UPDATE OR DELETE ON motcua.quality_runs
FOR EACH ROW EXECUTE FUNCTION motcua.keep_quality_run();
