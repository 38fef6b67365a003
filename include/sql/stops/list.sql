-- Stops, the newest first; those in force alone, or all up to a limit. Called by store/notices/stops.py.
SELECT stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by
FROM motcua.stops
WHERE %(in_force_at)s::timestamptz IS NULL OR (until > %(in_force_at)s AND ended_at IS NULL)
ORDER BY stop_id DESC
LIMIT %(limit)s
