-- The days of the working calendars in use. Called by store/oversight/quality.py.
INSERT INTO quality.days (calendar, day, working, nth, previous_working_day)
SELECT r.calendar, r.day, r.working, r.nth, r.previous_working_day
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        calendar smallint, day date, working boolean, nth integer, previous_working_day date
    )
