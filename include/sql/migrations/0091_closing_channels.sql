-- depends: 0090_prices
-- A closing counts the messages that each gateway accepted and the units that it bills, and stores the prices of that
-- time. Closings from before this migration have no such figures.
ALTER TABLE motcua.closings ADD COLUMN known_attempt bigint, ADD COLUMN prices jsonb;
COMMENT ON COLUMN motcua.closings.known_attempt
IS 'Largest attempt that counts; empty: it was closed before channels were counted, or corrects such a one.';
COMMENT ON COLUMN motcua.closings.prices
IS 'Prices of the gateways that name their own, as motcua.gateways had them; empty: as known_attempt.';
COMMENT ON COLUMN motcua.closings.segment_price
IS 'Đồng that a segment was taken to cost where a gateway names no price, and by SMS alone; empty: not known.';
COMMENT ON COLUMN motcua.closing_messages.segments
IS 'SMS segments, as planned, of the messages that a gateway took: what SMS alone would count.';
CREATE TABLE motcua.closing_channels (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text NOT NULL,
    kind text NOT NULL,
    gateway text NOT NULL,
    billed_unit text NOT NULL CHECK (billed_unit IN ('segment', 'message')),
    carrier text NOT NULL,
    taken integer NOT NULL CHECK (taken > 0),
    units integer NOT NULL,
    segments integer NOT NULL,
    PRIMARY KEY (closing_no, agency_code, kind, gateway, billed_unit, carrier)
);
COMMENT ON TABLE motcua.closing_channels IS 'Messages that a gateway took in a closing, by agency, kind, gateway and carrier, with what it bills; append-only.';
COMMENT ON COLUMN motcua.closing_channels.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_channels.agency_code IS 'The agency; an empty text: replies that are about no dossier.';
COMMENT ON COLUMN motcua.closing_channels.kind IS 'Kind of message.';
COMMENT ON COLUMN motcua.closing_channels.gateway IS 'The gateway that had the message last; of a reply the one that brought the inquiry; an empty text: not known.';
COMMENT ON COLUMN motcua.closing_channels.billed_unit IS 'What it counts and bills: segment or message.';
COMMENT ON COLUMN motcua.closing_channels.carrier IS 'The number''s carrier, as it was taken to be; an empty text: not known.';
COMMENT ON COLUMN motcua.closing_channels.taken IS 'Messages.';
COMMENT ON COLUMN motcua.closing_channels.units IS 'Units that it bills for them.';
COMMENT ON COLUMN motcua.closing_channels.segments IS 'SMS segments of the same messages as planned: what SMS alone would count.';
