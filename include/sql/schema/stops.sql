-- The Department may stop a kind of message, an agency, or everything, for a time and with a reason that publications
-- show.

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
