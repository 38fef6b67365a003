-- The working calendar: years, days that differ from the weekly pattern, office hours, and every change of these.

CREATE TABLE motcua.calendar_years (
    province text NOT NULL CHECK (province ~ '^[a-z0-9_]+$'),
    year smallint NOT NULL CHECK (year BETWEEN 1954 AND 2100),
    package text NOT NULL,
    decision text CHECK (btrim(decision) <> ''),
    confirmed_at timestamptz,
    PRIMARY KEY (province, year),
    CHECK ((decision IS NULL) = (confirmed_at IS NULL))
);
COMMENT ON TABLE motcua.calendar_years IS 'Years of a province''s calendar that were added, and whether they were checked against the official announcement. The days off of a year without a row come from the Python package named holidays.';
COMMENT ON COLUMN motcua.calendar_years.province IS 'Key of the province, as in agencies.';
COMMENT ON COLUMN motcua.calendar_years.year IS 'The calendar year that was added.';
COMMENT ON COLUMN motcua.calendar_years.package IS 'Name and version of the Python package of public holidays (holidays) that last changed the year''s days.';
COMMENT ON COLUMN motcua.calendar_years.decision IS 'Official announcement by which the year was confirmed; empty: not confirmed.';
COMMENT ON COLUMN motcua.calendar_years.confirmed_at IS 'When the year was confirmed.';

CREATE TABLE motcua.calendar_days (
    calendar_day_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    province text CHECK (province ~ '^[a-z0-9_]+$'),
    agency_code text REFERENCES motcua.agencies,
    day date NOT NULL CHECK (day BETWEEN '1954-01-01' AND '2100-12-31'),
    origin text NOT NULL CHECK (origin IN ('package', 'decision', 'agency')),
    opening text NOT NULL CHECK (opening IN ('closed', 'full', 'morning')),
    reason text NOT NULL CHECK (btrim(reason) <> ''),
    authority text NOT NULL CHECK (btrim(authority) <> ''),
    UNIQUE NULLS NOT DISTINCT (province, agency_code, day, origin),
    CHECK ((origin = 'agency') = (agency_code IS NOT NULL)),
    CHECK ((province IS NULL) <> (agency_code IS NULL))
);
CREATE INDEX calendar_days_agency ON motcua.calendar_days (agency_code, day) WHERE agency_code IS NOT NULL;
COMMENT ON TABLE motcua.calendar_days IS 'Days that differ from the weekly pattern, in three layers: an agency''s row is stronger than a row by a decision of the government, which is stronger than a row from the Python package named holidays.';
COMMENT ON COLUMN motcua.calendar_days.calendar_day_id IS 'Our number of the row.';
COMMENT ON COLUMN motcua.calendar_days.province IS 'Province whose agencies the row applies to; empty for one agency''s row.';
COMMENT ON COLUMN motcua.calendar_days.agency_code IS 'Agency that the row applies to; empty for a province''s row.';
COMMENT ON COLUMN motcua.calendar_days.day IS 'The day that differs from the weekly pattern, in Vietnam''s time zone.';
COMMENT ON COLUMN motcua.calendar_days.origin IS 'Origin of the row: package (the Python package named holidays), decision (of the government) or agency.';
COMMENT ON COLUMN motcua.calendar_days.opening IS 'When the desk is open on that day: closed (not at all), full (morning and afternoon) or morning.';
COMMENT ON COLUMN motcua.calendar_days.reason IS 'Why the day differs, in Vietnamese, as pages show it to staff.';
COMMENT ON COLUMN motcua.calendar_days.authority IS 'What justifies the row, by its origin: the package with its version, the number and date of the decision, or the agency''s notice.';

CREATE TABLE motcua.office_hours (
    agency_code text NOT NULL REFERENCES motcua.agencies,
    valid_from date NOT NULL,
    opens time NOT NULL,
    morning_ends time NOT NULL,
    afternoon_begins time NOT NULL,
    closes time NOT NULL,
    saturday_mornings boolean NOT NULL,
    authority text NOT NULL CHECK (btrim(authority) <> ''),
    PRIMARY KEY (agency_code, valid_from),
    CHECK (opens < morning_ends AND morning_ends <= afternoon_begins AND afternoon_begins < closes)
);
COMMENT ON TABLE motcua.office_hours IS 'Office hours of an agency from a day on. An agency without a row works Monday to Friday, 7:00-11:30 and 13:30-17:00.';
COMMENT ON COLUMN motcua.office_hours.agency_code IS 'The agency that has these office hours.';
COMMENT ON COLUMN motcua.office_hours.valid_from IS 'First day on which these office hours are in force.';
COMMENT ON COLUMN motcua.office_hours.opens IS 'Time at which the desk opens in the morning, in Vietnam''s time zone.';
COMMENT ON COLUMN motcua.office_hours.morning_ends IS 'Time at which the desk closes for the lunch break.';
COMMENT ON COLUMN motcua.office_hours.afternoon_begins IS 'Time at which the desk opens in the afternoon.';
COMMENT ON COLUMN motcua.office_hours.closes IS 'Time at which the desk closes in the afternoon.';
COMMENT ON COLUMN motcua.office_hours.saturday_mornings IS 'Whether the desk is open on Saturday mornings.';
COMMENT ON COLUMN motcua.office_hours.authority IS 'Notice of the agency that states these office hours.';

CREATE TABLE motcua.calendar_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by text NOT NULL CHECK (btrim(changed_by) <> ''),
    concerns text NOT NULL CHECK (concerns IN ('day', 'year', 'hours')),
    province text,
    agency_code text,
    year smallint NOT NULL,
    day date,
    before jsonb,
    after jsonb,
    CHECK (before IS NOT NULL OR after IS NOT NULL)
);
CREATE INDEX calendar_changes_year ON motcua.calendar_changes (year);
COMMENT ON TABLE motcua.calendar_changes IS 'Every change of the working calendar, append-only: who made it, when, and the row before and after.';
COMMENT ON COLUMN motcua.calendar_changes.change_id IS 'Our number of the change.';
COMMENT ON COLUMN motcua.calendar_changes.changed_at IS 'When the change was written.';
COMMENT ON COLUMN motcua.calendar_changes.changed_by IS 'Person who made the change; the role of the database if a person typed the SQL statement by hand.';
COMMENT ON COLUMN motcua.calendar_changes.concerns IS 'Which table was changed: day (calendar_days), year (calendar_years) or hours (office_hours).';
COMMENT ON COLUMN motcua.calendar_changes.province IS 'Province of the change; empty for a change of one agency.';
COMMENT ON COLUMN motcua.calendar_changes.agency_code IS 'Agency of the change; empty for a change of a province.';
COMMENT ON COLUMN motcua.calendar_changes.year IS 'The changed year, or the year of the day in the column day.';
COMMENT ON COLUMN motcua.calendar_changes.day IS 'The changed day, or the day from which the hours are valid; empty for a change of a year.';
COMMENT ON COLUMN motcua.calendar_changes.before IS 'The row before the change; empty for a new row.';
COMMENT ON COLUMN motcua.calendar_changes.after IS 'The row after the change; empty for a deleted row.';
