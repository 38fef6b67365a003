-- Ends a stop early that is in force. Waits for senders that are setting messages aside for it, so that none is set
-- aside for it afterwards. Called by store/notices/stops.py.
UPDATE motcua.stops
SET ended_at = greatest(%(now)s, stopped_at), ended_by = %(ended_by)s
WHERE stop_id = %(stop_id)s AND ended_at IS NULL AND until > %(now)s
RETURNING stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by
