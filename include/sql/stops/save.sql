-- A stop, in force from its commit on. Called by store/notices/stops.py.
INSERT INTO motcua.stops (kind, agency_code, stopped_at, until, stopped_by, reason)
VALUES (%(kind)s, %(agency_code)s, %(stopped_at)s, %(until)s, %(stopped_by)s, %(reason)s)
RETURNING stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by
