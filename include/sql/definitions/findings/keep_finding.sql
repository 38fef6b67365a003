-- What a finding is about never changes; the words around it may.
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
