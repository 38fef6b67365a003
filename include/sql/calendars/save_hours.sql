-- Office hours of agencies, new or changed. Called by store/calendars.py.
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
    authority = excluded.authority
