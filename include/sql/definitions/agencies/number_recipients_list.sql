-- The list of recipients is numbered anew whenever it changes, so that agency_changes can tell a change without an
-- address.
CREATE OR REPLACE FUNCTION motcua.number_recipients_list() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.recipients_list := (NEW.report_recipients <> '{}')::integer;
    ELSE
        NEW.recipients_list := OLD.recipients_list
            + (NEW.report_recipients IS DISTINCT FROM OLD.report_recipients)::integer;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER number_recipients_list BEFORE INSERT OR UPDATE ON motcua.agencies
FOR EACH ROW EXECUTE FUNCTION motcua.number_recipients_list();
