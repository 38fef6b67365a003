-- Agencies with their calendars and who answers for their dossiers. Called by store/oversight/quality.py.
INSERT INTO quality.agencies (agency_code, answers, calendar, apology_day, enabled_from, today)
SELECT g.agency_code, coalesce(i.in_charge, g.agency_code), r.calendar, g.apology_day, g.enabled_from, d.nth
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (agency_code text, calendar smallint)
INNER JOIN motcua.agencies AS g ON r.agency_code = g.agency_code
INNER JOIN motcua.agencies_on(%(day)s::date) AS i ON g.agency_code = i.agency_code
INNER JOIN quality.days AS d ON r.calendar = d.calendar AND d.day = %(day)s::date - 1
