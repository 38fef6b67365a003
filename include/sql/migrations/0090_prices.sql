-- depends: 0089_waits_for_opening
-- Store the data from which a gateway's bill is computed: the prices of each gateway in its own unit, and the carrier
-- of the phone number of each attempt.
ALTER TABLE motcua.gateways ADD COLUMN prices jsonb;
COMMENT ON COLUMN motcua.gateways.prices
IS 'Đồng a unit, by carrier, "other" for those that are not named; empty: the connection names none.';
ALTER TABLE motcua.attempts ADD COLUMN carrier text;
COMMENT ON COLUMN motcua.attempts.carrier IS 'The number''s carrier, as it was taken to be; empty: not known.';
COMMENT ON TABLE motcua.gateway_days
IS 'Units handed to each gateway by day, counted before each call; what was surely not taken is given back.';
COMMENT ON COLUMN motcua.gateway_days.segments IS 'SMS segments, or what the gateway counts instead.';
