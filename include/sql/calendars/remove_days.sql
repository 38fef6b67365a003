-- Takes days away, each by its layer; the history keeps them. Called by store/calendars.py.
DELETE FROM motcua.calendar_days AS d
USING jsonb_to_recordset(%(rows)s::jsonb) AS r (province text, agency_code text, day date, origin text)
WHERE
    d.province IS NOT DISTINCT FROM r.province
    AND d.agency_code IS NOT DISTINCT FROM r.agency_code
    AND d.day = r.day
    AND d.origin = r.origin
