-- The newest changes of a year's calendar for a province and, where one is named, an agency. Called by
-- store/calendars.py.
SELECT changed_at, changed_by, concerns, day, before, after
FROM motcua.calendar_changes
WHERE year = %(year)s AND (province = %(province)s OR agency_code = %(agency_code)s)
ORDER BY change_id DESC
LIMIT %(most)s
