-- A sealed run opens no further episode.
CREATE OR REPLACE FUNCTION motcua.refuse_late_episodes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM motcua.quality_runs
        WHERE run_no IN (SELECT opened_run FROM added) AND sealed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'the run is sealed: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'MC001';
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER refuse_late_rows AFTER INSERT ON motcua.finding_episodes
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_episodes();
