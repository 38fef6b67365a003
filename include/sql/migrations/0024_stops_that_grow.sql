-- depends: 0023_old_steps
-- What is stopped is tried again within seconds, then after longer and longer pauses; a carrier is judged by how many
-- different numbers were refused there; each finished attempt says how it ended.

ALTER TABLE motcua.gateway_stops ADD COLUMN pause interval;
COMMENT ON COLUMN motcua.gateway_stops.pause IS 'How long it is left alone before it is tried again, doubling each time; empty: stopped until a fixed time.';
COMMENT ON COLUMN motcua.gateway_stops.until IS 'It is tried again then, with one message, unless started by hand before.';

-- Refusals are few, so this costs the other attempts nothing.
CREATE INDEX attempts_carrier_refused ON motcua.attempts (gateway, answered_at) WHERE concerns = 'carrier';

ALTER TABLE motcua.attempts DROP CONSTRAINT attempts_outcome_check;
ALTER TABLE motcua.attempts ADD CONSTRAINT attempts_outcome_check
CHECK (outcome IN ('accepted', 'duplicate', 'phone', 'configuration', 'transient', 'unknown', 'receipt'));
COMMENT ON COLUMN motcua.attempts.outcome
IS 'Class of the answer; receipt: a receipt told how it ended, and no answer was written (yet).';
-- Only receipts ended an attempt without saying so.
UPDATE motcua.attempts SET outcome = 'receipt' WHERE outcome IS NULL AND state <> 'in_flight';
