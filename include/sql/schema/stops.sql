-- Stops: orders of the Department (which runs the system) not to send messages for some time. A stop covers all
-- messages, or the messages of a kind, of an agency, or of a kind and an agency. Publications show the reason of each
-- stop.

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
COMMENT ON TABLE motcua.stops IS 'Orders of the Department (which runs the system) not to send messages for some time: all messages, or those of a kind, of an agency, or of a kind and an agency; append-only, except that a stop may be ended early.';
COMMENT ON COLUMN motcua.stops.stop_id IS 'Our number of the stop.';
COMMENT ON COLUMN motcua.stops.kind IS 'The kind of messages that is stopped; empty: messages of every kind.';
COMMENT ON COLUMN motcua.stops.agency_code IS 'The agency whose messages are stopped; empty: those of every agency.';
COMMENT ON COLUMN motcua.stops.stopped_at IS 'When the stop began.';
COMMENT ON COLUMN motcua.stops.until IS 'When the stop ends if nobody ends it earlier; at the latest 7 days after its beginning.';
COMMENT ON COLUMN motcua.stops.stopped_by IS 'Person who ordered the stop for the Department.';
COMMENT ON COLUMN motcua.stops.reason IS 'Why the Department ordered the stop. Publications show this reason.';
COMMENT ON COLUMN motcua.stops.ended_at IS 'When a person ended the stop early; empty: nobody did.';
COMMENT ON COLUMN motcua.stops.ended_by IS 'Person who ended the stop early for the Department.';
