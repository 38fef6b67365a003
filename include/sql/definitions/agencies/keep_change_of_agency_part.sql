-- An agency's codes and names are part of its settings: whoever changes them leaves the same row of agency_changes.
CREATE OR REPLACE FUNCTION motcua.keep_change_of_agency_part() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM motcua.note_agency_change(OLD.agency_code);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM motcua.note_agency_change(NEW.agency_code);
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER keep_agency_change AFTER INSERT OR UPDATE OR DELETE ON motcua.agency_aliases
FOR EACH ROW EXECUTE FUNCTION motcua.keep_change_of_agency_part();
CREATE OR REPLACE TRIGGER keep_agency_change AFTER INSERT OR UPDATE OR DELETE ON motcua.agency_names
FOR EACH ROW EXECUTE FUNCTION motcua.keep_change_of_agency_part();
