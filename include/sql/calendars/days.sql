-- Days of these provinces and these agencies, all layers, from one day to another, both counted. Called by
-- store/calendars.py.
SELECT province, agency_code, day, opening, reason, origin, authority
FROM motcua.calendar_days
WHERE
    day BETWEEN %(first)s AND %(last)s
    AND (province = any(%(provinces)s::text[]) OR agency_code = any(%(agency_codes)s::text[]))
ORDER BY day, province, agency_code, origin
