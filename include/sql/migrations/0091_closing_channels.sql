-- depends: 0090_prices
-- Store with each closing (the figures of a finished period) how many messages each gateway accepted, how many units
-- the gateway bills for these messages, and the gateways' prices. Closings from before this migration have no such
-- figures.
ALTER TABLE motcua.closings ADD COLUMN known_attempt bigint, ADD COLUMN prices jsonb;
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
