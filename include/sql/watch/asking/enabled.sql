-- Agencies that are told for at this moment, and since when. Called by store/watching/watch.py.
SELECT
    g.agency_code,
    g.enabled_from
FROM motcua.agencies AS g
WHERE
    g.enabled_from <= %(now)s
    AND coalesce(g.valid_until >= (%(now)s::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, TRUE)
ORDER BY g.agency_code
