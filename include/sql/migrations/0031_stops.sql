-- depends: 0030_gaps
-- The Department may stop a kind of message, an agency, or everything, for a time and with a reason that publications
-- show. What was stopped by a closing's cut-off is kept with it.

CREATE TABLE motcua.stops (
    stop_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text CHECK (kind IN ('result', 'supplement', 'apology', 'reply')),
    agency_code text REFERENCES motcua.agencies,
    stopped_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    stopped_by text NOT NULL CHECK (btrim(stopped_by) <> ''),
    reason text NOT NULL CHECK (btrim(reason) <> '' AND length(reason) <= 300),
    ended_at timestamptz,
    ended_by text CHECK (btrim(ended_by) <> ''),
    CHECK (until > stopped_at AND until <= stopped_at + interval '7 days'),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CHECK (ended_at >= stopped_at AND ended_at < until)
);
CREATE INDEX stops_until ON motcua.stops (until);
COMMENT ON TABLE motcua.stops IS 'When the Department had nothing sent of a kind, of an agency, or at all; append-only but for the early end.';
COMMENT ON COLUMN motcua.stops.stop_id IS 'Our number.';
COMMENT ON COLUMN motcua.stops.kind IS 'The kind that is stopped; empty: every kind.';
COMMENT ON COLUMN motcua.stops.agency_code IS 'The agency whose messages are stopped; empty: every agency.';
COMMENT ON COLUMN motcua.stops.stopped_at IS 'Since when.';
COMMENT ON COLUMN motcua.stops.until IS 'When it ends by itself, 7 days later at the latest.';
COMMENT ON COLUMN motcua.stops.stopped_by IS 'Who stopped it, for the Department.';
COMMENT ON COLUMN motcua.stops.reason IS 'Why; publications show it.';
COMMENT ON COLUMN motcua.stops.ended_at IS 'When somebody ended it early; empty: nobody did.';
COMMENT ON COLUMN motcua.stops.ended_by IS 'Who ended it early, for the Department.';

CREATE TABLE motcua.closing_stops (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    stop_id bigint NOT NULL REFERENCES motcua.stops,
    ended_at timestamptz,
    PRIMARY KEY (closing_no, stop_id)
);
COMMENT ON TABLE motcua.closing_stops IS 'Stops that were in force within a closing''s period, as they were known at its cut-off; append-only.';
COMMENT ON COLUMN motcua.closing_stops.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_stops.stop_id IS 'The stop.';
COMMENT ON COLUMN motcua.closing_stops.ended_at IS 'When somebody had ended it early by then; empty: nobody had.';

GRANT SELECT, INSERT ON motcua.stops, motcua.closing_stops TO motcua_app;
GRANT UPDATE (ended_at, ended_by) ON motcua.stops TO motcua_app;
