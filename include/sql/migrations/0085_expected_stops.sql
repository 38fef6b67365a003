-- depends: 0084_words_at_gateways
-- Add the column expected, which marks pauses that the gateway's own rules cause, for example at night or when a day's
-- quota is used up. An expected pause is no fault, so it fails no run and causes no alert.
ALTER TABLE motcua.gateway_stops ADD COLUMN expected boolean NOT NULL DEFAULT FALSE;
