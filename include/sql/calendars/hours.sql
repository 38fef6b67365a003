-- Office hours of these agencies, each with the day from which they are in force. Called by store/calendars.py.
SELECT agency_code, valid_from, opens, morning_ends, afternoon_begins, closes, saturday_mornings, authority
FROM motcua.office_hours
WHERE agency_code = any(%(agency_codes)s::text[])
ORDER BY agency_code, valid_from
