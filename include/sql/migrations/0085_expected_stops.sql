-- depends: 0084_words_at_gateways
-- Mark pauses of a gateway that its own rules cause, for example at night or after a day's quota (expected). An
-- expected pause is no fault, so it fails no run and causes no alert.
ALTER TABLE motcua.gateway_stops ADD COLUMN expected boolean NOT NULL DEFAULT FALSE;
COMMENT ON COLUMN motcua.gateway_stops.expected
IS 'Whether the gateway''s own rules caused the pause, for example at night or after a day''s quota. An expected pause is no fault, and it ends by itself at the time in until.';
