-- What auditors may read of stops, and of what a closing knew of them: all of it.
CREATE OR REPLACE VIEW audit.stops AS
SELECT stop_id, kind, agency_code, stopped_at, until, stopped_by, reason, ended_at, ended_by FROM motcua.stops;
CREATE OR REPLACE VIEW audit.closing_stops AS
SELECT closing_no, stop_id, ended_at FROM motcua.closing_stops;
