-- depends: 0090_prices
-- Store in each closing how many messages each gateway accepted, the units that it bills for them, and the prices of
-- that time. Closings from before this migration have no such figures.
ALTER TABLE motcua.closings ADD COLUMN known_attempt bigint, ADD COLUMN prices jsonb;
COMMENT ON COLUMN motcua.closings.known_attempt
IS 'Largest number of an attempt that counts in the closing; empty: the closing is from before channels were counted, or corrects such a closing.';
COMMENT ON COLUMN motcua.closings.prices
IS 'Prices that gateways stated, as motcua.gateways held them when the closing was stored; empty: the closing is from before channels were counted, or corrects such a closing.';
COMMENT ON COLUMN motcua.closings.segment_price
IS 'Price of an SMS segment in đồng that is assumed for gateways without a stated price, and for computing what SMS alone would have cost; empty: not known.';
COMMENT ON COLUMN motcua.closing_messages.segments
IS 'SMS segments, as planned, of the messages that a gateway accepted, as if all had been sent by SMS.';
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
COMMENT ON TABLE motcua.closing_channels IS 'Messages of a closing that a gateway accepted, by agency, kind, gateway and carrier, with what the gateway bills; append-only.';
COMMENT ON COLUMN motcua.closing_channels.closing_no IS 'The closing that the figures belong to.';
COMMENT ON COLUMN motcua.closing_channels.agency_code IS 'The agency; an empty text: replies about no dossier.';
COMMENT ON COLUMN motcua.closing_channels.kind IS 'Kind of the messages.';
COMMENT ON COLUMN motcua.closing_channels.gateway IS 'The gateway of the message''s last attempt; for a reply the gateway that delivered the inquiry; an empty text: not known.';
COMMENT ON COLUMN motcua.closing_channels.billed_unit IS 'Unit that the gateway counts and bills: segment or message.';
COMMENT ON COLUMN motcua.closing_channels.carrier IS 'Carrier of the number, as assumed for the attempt; an empty text: not known.';
COMMENT ON COLUMN motcua.closing_channels.taken IS 'Number of messages that the gateway accepted.';
COMMENT ON COLUMN motcua.closing_channels.units IS 'Units that the gateway bills for these messages.';
COMMENT ON COLUMN motcua.closing_channels.segments IS 'SMS segments of the same messages as planned, as if all had been sent by SMS.';
