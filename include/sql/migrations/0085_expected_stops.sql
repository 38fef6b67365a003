-- depends: 0084_words_at_gateways
-- A gateway that takes nothing at night, or no more today, is stopped as it should be: no run is red, nothing is told.
ALTER TABLE motcua.gateway_stops ADD COLUMN expected boolean NOT NULL DEFAULT FALSE;
COMMENT ON COLUMN motcua.gateway_stops.expected
IS 'By the gateway''s own rules, as at night or with a day''s quota used up: nothing is wrong, and it is open again at its time.';
