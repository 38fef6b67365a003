-- An episode can only be closed, once, by a run that is not sealed.
CREATE OR REPLACE FUNCTION motcua.keep_episodes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM changed AS c
        FULL JOIN was AS w ON c.finding_id = w.finding_id AND c.opened_run = w.opened_run
        WHERE
            c.finding_id IS NULL OR w.finding_id IS NULL OR w.closed_run IS NOT NULL OR c.closed_run IS NULL
            OR (c.again, c.deadline, c.department_on) IS DISTINCT FROM (w.again, w.deadline, w.department_on)
    ) OR EXISTS (
        SELECT 1 FROM motcua.quality_runs
        WHERE run_no IN (SELECT closed_run FROM changed) AND sealed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'an episode can only be closed, by a run that is not sealed' USING ERRCODE = 'MC001';
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER keep_episodes AFTER UPDATE ON motcua.finding_episodes
REFERENCING OLD TABLE AS was NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION motcua.keep_episodes();
