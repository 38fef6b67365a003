-- The stops that a closing knew of. Called by store/notices/stops.py.
SELECT
    s.stop_id,
    coalesce(s.agency_code, '') AS agency_code,
    coalesce(s.kind, '') AS kind,
    s.stopped_at,
    s.until,
    c.ended_at,
    s.reason
FROM audit.closing_stops AS c
INNER JOIN audit.stops AS s ON c.stop_id = s.stop_id
WHERE c.closing_no = %(closing_no)s
ORDER BY s.stop_id
