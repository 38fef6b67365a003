-- The province of each of these agencies. Called by store/calendars.py.
SELECT agency_code, province
FROM motcua.agencies
WHERE agency_code = any(%(agency_codes)s::text[])
