-- depends: 0059_intake
-- Which agencies' figures a closing has as they were pushed.

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
