-- Keeps with a closing which stops were in force within its period, as they are known at its cut-off.
-- Called by store/notices/stops.py.
INSERT INTO motcua.closing_stops (closing_no, stop_id, ended_at)
SELECT
    %(closing_no)s,
    s.stop_id,
    CASE WHEN s.ended_at <= %(as_of)s THEN s.ended_at END
FROM motcua.stops AS s
WHERE
    s.stopped_at <= %(as_of)s
    AND s.stopped_at < %(end)s
    AND coalesce(s.ended_at, s.until) > %(start)s
