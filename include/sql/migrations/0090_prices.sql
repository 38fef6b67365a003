-- depends: 0089_waits_for_opening
-- Store what is needed to compute a gateway's bill: the prices of each gateway in its own unit, and the carrier of the
-- phone number of each attempt.
ALTER TABLE motcua.gateways ADD COLUMN prices jsonb;
COMMENT ON COLUMN motcua.gateways.prices
IS 'Price of a unit in đồng, by carrier; "other" is the price for carriers that are not named. Empty: the gateway''s Airflow connection states no price.';
ALTER TABLE motcua.attempts ADD COLUMN carrier text;
COMMENT ON COLUMN motcua.attempts.carrier IS 'Carrier of the number, as assumed for this attempt; empty: not known.';
COMMENT ON TABLE motcua.gateway_days
IS 'Units handed to each gateway by day, counted before each call. Units that the gateway certainly did not accept are subtracted again.';
COMMENT ON COLUMN motcua.gateway_days.segments IS 'Number of SMS segments handed over on that day, or of the units that the gateway counts instead.';
