-- Old steps (transitions that somebody typed in late) and quarantined rows (rows of a source that could not be used):
-- which changes of an old step are refused, how often a quarantined row is read again, and what auditors may read.

-- Refuse updates of old steps (motcua.old_steps), with two exceptions. The column ask_at may change. And the decision
-- whether the step counts (version_id, has_force) may be written once.
CREATE OR REPLACE FUNCTION motcua.keep_judgement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.transition_id, NEW.source_id, NEW.dossier_id, NEW.known_from, NEW.read_from, NEW.marked_at)
        IS DISTINCT FROM (OLD.transition_id, OLD.source_id, OLD.dossier_id, OLD.known_from, OLD.read_from, OLD.marked_at)
        OR (OLD.version_id IS NOT NULL
            AND (NEW.version_id, NEW.has_force) IS DISTINCT FROM (OLD.version_id, OLD.has_force)) THEN
        RAISE EXCEPTION 'old step %: what is known of it is fixed', OLD.transition_id USING ERRCODE = 'MC001';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER keep_judgement BEFORE UPDATE ON motcua.old_steps
FOR EACH ROW EXECUTE FUNCTION motcua.keep_judgement();

-- Return how often a quarantined row of a given age should have been read again since it was quarantined. The time
-- between two readings is a tenth of the row's age, but at least a minute and at most an hour. Because the number
-- follows from the age alone, the ledger need not store when the row was read again.
CREATE OR REPLACE FUNCTION motcua.looks_by(age interval) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN age <= interval '10 minutes' THEN greatest(extract(EPOCH FROM age), 0) / 60
    WHEN age <= interval '10 hours' THEN 10 + 10 * ln(extract(EPOCH FROM age) / 600)
    ELSE 10 + 10 * ln(60) + (extract(EPOCH FROM age) - 36000) / 3600
END::double precision;
COMMENT ON FUNCTION motcua.looks_by(interval)
IS 'Returns how often a quarantined row should have been read again by the time that it has a given age. The intervals are a tenth of the age, but at least a minute and at most an hour.';

-- Let auditors read old steps, and the time from which each rule holds that a newer version of this software added.
CREATE OR REPLACE VIEW audit.old_steps AS
SELECT transition_id, source_id, dossier_id, known_from, read_from, marked_at, version_id, has_force
FROM motcua.old_steps;
CREATE OR REPLACE VIEW audit.rule_dates AS SELECT rule, since FROM motcua.rule_dates;

-- Let auditors read why rows are in quarantine, without the content of the rows.
CREATE OR REPLACE VIEW audit.quarantine AS
SELECT quarantine_id, source_id, row_kind, reason, agency_code, status_code, first_seen_at, last_seen_at, released_at
FROM motcua.quarantine;
