-- Store working calendars: years and days of provinces, days and office hours of agencies. Triggers write each change
-- to motcua.calendar_changes. Called by store/calendars.py.

-- name: sign
-- Set the name of the person who makes the changes of this transaction (setting motcua.changed_by). A trigger writes
-- this name to motcua.calendar_changes.
SELECT set_config('motcua.changed_by', %(changed_by)s, TRUE);

-- name: used_provinces
-- Return every province that has an agency (motcua.agencies).
SELECT DISTINCT province
FROM motcua.agencies
ORDER BY province;

-- name: provinces
-- Return the province of each of these agencies (motcua.agencies).
SELECT agency_code, province
FROM motcua.agencies
WHERE agency_code = any(%(agency_codes)s::text[]);

-- name: years
-- Return the stored years of these provinces with the decisions that confirmed them (motcua.calendar_years).
SELECT province, year, package, decision, confirmed_at
FROM motcua.calendar_years
WHERE province = any(%(provinces)s::text[])
ORDER BY province, year;

-- name: unconfirmed
-- Return the given years that are not confirmed, for each province with agencies (motcua.calendar_years).
SELECT DISTINCT
    g.province,
    w.year
FROM motcua.agencies AS g
CROSS JOIN unnest(%(years)s::smallint[]) AS w (year)
LEFT JOIN motcua.calendar_years AS y ON g.province = y.province AND w.year = y.year
WHERE y.confirmed_at IS NULL
ORDER BY g.province, w.year;

-- name: days
-- Return the calendar days of these provinces and agencies from the first to the last day inclusive
-- (motcua.calendar_days). The result has the rows of every origin: the Python package named holidays, decisions of
-- the government, and agencies.
SELECT province, agency_code, day, opening, reason, origin, authority
FROM motcua.calendar_days
WHERE
    day BETWEEN %(first)s AND %(last)s
    AND (province = any(%(provinces)s::text[]) OR agency_code = any(%(agency_codes)s::text[]))
ORDER BY day, province, agency_code, origin;

-- name: hours
-- Return the office hours of these agencies, each with the day from which they are in force (motcua.office_hours).
SELECT agency_code, valid_from, opens, morning_ends, afternoon_begins, closes, saturday_mornings, authority
FROM motcua.office_hours
WHERE agency_code = any(%(agency_codes)s::text[])
ORDER BY agency_code, valid_from;

-- name: save_years
-- Insert calendar years of provinces, or update whether they are confirmed (motcua.calendar_years).
INSERT INTO motcua.calendar_years (province, year, package, decision, confirmed_at)
SELECT r.province, r.year, r.package, r.decision, r.confirmed_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        province text, year smallint, package text, decision text, confirmed_at timestamptz
    )
ON CONFLICT (province, year) DO UPDATE SET
    package = excluded.package,
    decision = excluded.decision,
    confirmed_at = excluded.confirmed_at;

-- name: save_days
-- Insert or update days of provinces and agencies (motcua.calendar_days).
INSERT INTO motcua.calendar_days (province, agency_code, day, origin, opening, reason, authority)
SELECT r.province, r.agency_code, r.day, r.origin, r.opening, r.reason, r.authority
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        province text, agency_code text, day date, origin text, opening text, reason text, authority text
    )
ON CONFLICT (province, agency_code, day, origin) DO UPDATE SET
    opening = excluded.opening,
    reason = excluded.reason,
    authority = excluded.authority;

-- name: remove_days
-- Delete calendar days, each with the given origin (motcua.calendar_days). Rows for the same day with another origin
-- stay. The table calendar_changes still has the deleted rows.
DELETE FROM motcua.calendar_days AS d
USING jsonb_to_recordset(%(rows)s::jsonb) AS r (province text, agency_code text, day date, origin text)
WHERE
    d.province IS NOT DISTINCT FROM r.province
    AND d.agency_code IS NOT DISTINCT FROM r.agency_code
    AND d.day = r.day
    AND d.origin = r.origin;

-- name: save_hours
-- Insert or update office hours of agencies (motcua.office_hours).
INSERT INTO motcua.office_hours (
    agency_code, valid_from, opens, morning_ends, afternoon_begins, closes, saturday_mornings, authority
)
SELECT
    r.agency_code,
    r.valid_from,
    r.opens,
    r.morning_ends,
    r.afternoon_begins,
    r.closes,
    r.saturday_mornings,
    r.authority
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text,
        valid_from date,
        opens time,
        morning_ends time,
        afternoon_begins time,
        closes time,
        saturday_mornings boolean,
        authority text
    )
ON CONFLICT (agency_code, valid_from) DO UPDATE SET
    opens = excluded.opens,
    morning_ends = excluded.morning_ends,
    afternoon_begins = excluded.afternoon_begins,
    closes = excluded.closes,
    saturday_mornings = excluded.saturday_mornings,
    authority = excluded.authority;

-- name: remove_hours
-- Delete office hours (motcua.office_hours). Afterwards the agency's earlier office hours are in force again, or the
-- usual ones if it has no earlier ones.
DELETE FROM motcua.office_hours AS h
USING jsonb_to_recordset(%(rows)s::jsonb) AS r (agency_code text, valid_from date)
WHERE h.agency_code = r.agency_code AND h.valid_from = r.valid_from;

-- name: changes
-- Return the newest changes of a year's calendar for a province and, if one is given, an agency
-- (motcua.calendar_changes).
SELECT changed_at, changed_by, concerns, day, before, after
FROM motcua.calendar_changes
WHERE year = %(year)s AND (province = %(province)s OR agency_code = %(agency_code)s)
ORDER BY change_id DESC
LIMIT %(most)s;
