-- Days of provinces and agencies, new or changed. Called by store/calendars.py.
INSERT INTO motcua.calendar_days (province, agency_code, day, origin, opening, reason, authority)
SELECT r.province, r.agency_code, r.day, r.origin, r.opening, r.reason, r.authority
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        province text, agency_code text, day date, origin text, opening text, reason text, authority text
    )
ON CONFLICT (province, agency_code, day, origin) DO UPDATE SET
    opening = excluded.opening,
    reason = excluded.reason,
    authority = excluded.authority
