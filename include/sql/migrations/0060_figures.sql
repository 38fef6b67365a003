-- depends: 0059_intake
-- Which agencies' figures a closing has as they were pushed, and in which hours each client calls.

CREATE TABLE motcua.closing_pushed (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    source text NOT NULL,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    PRIMARY KEY (closing_no, source, agency_code)
);
CREATE INDEX closing_pushed_agency ON motcua.closing_pushed (agency_code);
COMMENT ON TABLE motcua.closing_pushed IS 'Agencies whose figures a closing has as their one-stop software pushed them: what pushes itself cannot be counted independently. Append-only.';
COMMENT ON COLUMN motcua.closing_pushed.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_pushed.source IS 'Name of the source, which pushed at the time of the closing.';
COMMENT ON COLUMN motcua.closing_pushed.agency_code IS 'The agency.';

CREATE TABLE intake.client_hours (
    client_id bigint NOT NULL REFERENCES intake.clients,
    hour timestamptz NOT NULL,
    PRIMARY KEY (client_id, hour)
);
COMMENT ON TABLE intake.client_hours IS 'Hours in which a client called: what it usually does, so that its silence is seen. Those older than 60 days are deleted.';
COMMENT ON COLUMN intake.client_hours.client_id IS 'The client.';
COMMENT ON COLUMN intake.client_hours.hour IS 'When the hour began.';
