-- Each change of an agency leaves a row of agency_changes; one statement that writes it with its codes and names, one
-- row.
CREATE OR REPLACE FUNCTION motcua.keep_agency_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    PERFORM motcua.note_agency_change(NEW.agency_code);
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER keep_agency_change AFTER INSERT OR UPDATE ON motcua.agencies
FOR EACH ROW EXECUTE FUNCTION motcua.keep_agency_change();
