-- What is known of an old step is fixed, and its judgement once it is there.
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
