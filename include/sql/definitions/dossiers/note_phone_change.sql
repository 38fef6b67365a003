-- The dossier's messages and phone are to be compared again.
CREATE OR REPLACE FUNCTION motcua.note_phone_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    INSERT INTO motcua.phone_changes (dossier_id) VALUES (NEW.dossier_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.note_phone_change() IS 'The dossier''s messages and phone are to be compared again.';
CREATE OR REPLACE TRIGGER note_phone_change AFTER UPDATE ON motcua.dossiers FOR EACH ROW
WHEN ((old.msisdn, old.phone_refusal) IS DISTINCT FROM (new.msisdn, new.phone_refusal) AND new.purged_at IS NULL)
EXECUTE FUNCTION motcua.note_phone_change();
CREATE OR REPLACE TRIGGER note_phone_change AFTER UPDATE ON motcua.messages FOR EACH ROW
WHEN (new.state IN ('suppressed', 'undelivered', 'rejected') AND new.state <> old.state AND new.dossier_id IS NOT NULL)
EXECUTE FUNCTION motcua.note_phone_change();
