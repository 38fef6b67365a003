-- Findings (faults that the rules of data quality found): which changes of findings and episodes are refused, and what
-- auditors may read. An episode of a finding begins with the run of the quality check that found it, and ends with the
-- run that does not find it any more. A run is sealed at its end. Afterwards its results must not change.

-- Refuse an update that changes what a finding is about: its rule, subject, level, dossier or first run
-- (motcua.findings). Its agency, time and facts may change.
CREATE OR REPLACE FUNCTION motcua.keep_finding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what finding % is about is fixed: % refused', OLD.finding_id, TG_OP USING ERRCODE = 'MC001';
END
$$;
CREATE OR REPLACE TRIGGER keep_finding BEFORE UPDATE ON motcua.findings FOR EACH ROW
WHEN (
    (old.finding_id, old.rule, old.subject, old.level, old.dossier_id, old.first_run)
    IS DISTINCT FROM (new.finding_id, new.rule, new.subject, new.level, new.dossier_id, new.first_run)
)
EXECUTE FUNCTION motcua.keep_finding();

-- Refuse changes of episodes (motcua.finding_episodes). The only allowed change is that a run that is not sealed closes
-- an open episode.
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

-- Refuse new episodes whose opening run (opened_run) is sealed already (motcua.finding_episodes).
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

-- Let auditors read findings, their episodes, acknowledgements and rechecks.
CREATE OR REPLACE VIEW audit.findings AS
SELECT finding_id, rule, subject, level, agency_code, dossier_id, since, facts, first_run FROM motcua.findings;
CREATE OR REPLACE VIEW audit.finding_acknowledgements AS
SELECT acknowledgement_id, finding_id, acknowledged_at, acknowledged_by, why, until
FROM motcua.finding_acknowledgements;
CREATE OR REPLACE VIEW audit.finding_episodes AS
SELECT finding_id, opened_run, closed_run, again, deadline, department_on FROM motcua.finding_episodes;
CREATE OR REPLACE VIEW audit.finding_rechecks AS
SELECT recheck_id, finding_id, rechecked_at, rechecked_by, outcome FROM motcua.finding_rechecks;
