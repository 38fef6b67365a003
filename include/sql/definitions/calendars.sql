-- The working calendar: how each change is stored, and what auditors may read.

-- Insert each change of calendar_years, calendar_days and office_hours into calendar_changes. The trigger's argument
-- (year, day or hours) states what was changed. The transaction's setting motcua.changed_by names the person who makes
-- the change. If this setting is empty, the session's role is stored.
CREATE OR REPLACE FUNCTION motcua.keep_calendar_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    any_row jsonb := coalesce(new_row, old_row);
    on_day date := coalesce(any_row ->> 'day', any_row ->> 'valid_from')::date;
BEGIN
    IF old_row IS DISTINCT FROM new_row THEN
        INSERT INTO motcua.calendar_changes (changed_by, concerns, province, agency_code, year, day, before, after)
        VALUES (
            coalesce(nullif(current_setting('motcua.changed_by', TRUE), ''), session_user),
            TG_ARGV[0],
            any_row ->> 'province',
            any_row ->> 'agency_code',
            coalesce((any_row ->> 'year')::smallint, extract(YEAR FROM on_day)),
            on_day,
            old_row - 'calendar_day_id',
            new_row - 'calendar_day_id'
        );
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.keep_calendar_change()
IS 'Inserts each change of calendar_years, calendar_days and office_hours into calendar_changes. The transaction''s setting motcua.changed_by names the person who makes the change.';
CREATE OR REPLACE TRIGGER keep_calendar_change AFTER INSERT OR UPDATE OR DELETE ON motcua.calendar_years
FOR EACH ROW EXECUTE FUNCTION motcua.keep_calendar_change('year');
CREATE OR REPLACE TRIGGER keep_calendar_change AFTER INSERT OR UPDATE OR DELETE ON motcua.calendar_days
FOR EACH ROW EXECUTE FUNCTION motcua.keep_calendar_change('day');
CREATE OR REPLACE TRIGGER keep_calendar_change AFTER INSERT OR UPDATE OR DELETE ON motcua.office_hours
FOR EACH ROW EXECUTE FUNCTION motcua.keep_calendar_change('hours');

-- Let auditors read the working calendars and their changes.
CREATE OR REPLACE VIEW audit.calendar_changes AS
SELECT
    change_id, changed_at, changed_by, concerns, province, agency_code, year, day, before, after
FROM motcua.calendar_changes;
CREATE OR REPLACE VIEW audit.calendar_days AS
SELECT calendar_day_id, province, agency_code, day, origin, opening, reason, authority FROM motcua.calendar_days;
CREATE OR REPLACE VIEW audit.calendar_years AS
SELECT province, year, package, decision, confirmed_at FROM motcua.calendar_years;
CREATE OR REPLACE VIEW audit.office_hours AS
SELECT
    agency_code, valid_from, opens, morning_ends, afternoon_begins, closes, saturday_mornings, authority
FROM motcua.office_hours;
