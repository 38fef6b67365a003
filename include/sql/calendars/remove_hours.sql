-- Takes office hours away; those before them, or the usual ones, are in force again. Called by store/calendars.py.
DELETE FROM motcua.office_hours AS h
USING jsonb_to_recordset(%(rows)s::jsonb) AS r (agency_code text, valid_from date)
WHERE h.agency_code = r.agency_code AND h.valid_from = r.valid_from
