-- What auditors may read of the working calendars and their changes.
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
