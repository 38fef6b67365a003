-- Evenings of apologies in [start, end) that selected due days. Called by store/oversight/closings.py.
SELECT
    agency_code,
    evening_at,
    first_due,
    last_due
FROM motcua.apology_evenings
WHERE evening_at >= %(start)s AND evening_at < %(end)s AND state <> 'day_off'
