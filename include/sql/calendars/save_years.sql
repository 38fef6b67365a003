-- Years of provinces: seeded, confirmed, or no longer confirmed. Called by store/calendars.py.
INSERT INTO motcua.calendar_years (province, year, package, decision, confirmed_at)
SELECT r.province, r.year, r.package, r.decision, r.confirmed_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        province text, year smallint, package text, decision text, confirmed_at timestamptz
    )
ON CONFLICT (province, year) DO UPDATE SET
    package = excluded.package,
    decision = excluded.decision,
    confirmed_at = excluded.confirmed_at
