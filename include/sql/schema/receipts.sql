-- Delivery reports as they came, what each was read as, and those that wait to be read.

CREATE TABLE motcua.receipts (
    receipt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reference text,
    gateway_status text,
    raw jsonb NOT NULL,
    purged_at timestamptz
);
CREATE INDEX receipts_reference ON motcua.receipts (reference);
CREATE INDEX receipts_unpurged ON motcua.receipts (receipt_id) WHERE purged_at IS NULL;
COMMENT ON TABLE motcua.receipts IS 'Delivery reports as received, numbers masked, append-only.';
COMMENT ON COLUMN motcua.receipts.receipt_id IS 'Our number.';
COMMENT ON COLUMN motcua.receipts.gateway IS 'Gateway that sent it.';
COMMENT ON COLUMN motcua.receipts.received_at IS 'When it came.';
COMMENT ON COLUMN motcua.receipts.reference IS 'The attempt''s reference, as given; what looks like a phone number is masked.';
COMMENT ON COLUMN motcua.receipts.gateway_status IS 'The gateway''s status, as given; what looks like a phone number is masked.';
COMMENT ON COLUMN motcua.receipts.raw IS 'All fields given, numbers and secrets left out.';
COMMENT ON COLUMN motcua.receipts.purged_at IS 'When what was received was emptied.';

CREATE TABLE motcua.receipt_readings (
    receipt_id bigint PRIMARY KEY REFERENCES motcua.receipts,
    attempt_id bigint REFERENCES motcua.attempts,
    meaning text NOT NULL
    CHECK (meaning IN ('accepted', 'delivered', 'undelivered', 'refused', 'absent', 'pending', 'unreadable')),
    effect text NOT NULL CHECK (effect IN ('applied', 'no_change', 'unknown_reference')),
    read_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX receipt_readings_attempt ON motcua.receipt_readings (attempt_id);
COMMENT ON TABLE motcua.receipt_readings IS 'What each receipt was taken to mean and what it changed, append-only.';
COMMENT ON COLUMN motcua.receipt_readings.receipt_id IS 'The receipt.';
COMMENT ON COLUMN motcua.receipt_readings.attempt_id IS 'The attempt it names; empty where none is known.';
COMMENT ON COLUMN motcua.receipt_readings.meaning IS 'accepted, delivered, undelivered, refused (by the carrier: the message, or one part of it), absent (the gateway never had it), pending or unreadable.';
COMMENT ON COLUMN motcua.receipt_readings.effect IS 'Whether it changed the message.';
COMMENT ON COLUMN motcua.receipt_readings.read_at IS 'When it was interpreted.';

-- Receipts that were stored and not read. The triggers alone write it: no foreign key, which would lock, and so write,
-- each receipt once more.
CREATE TABLE motcua.unread_receipts (
    receipt_id bigint PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE motcua.unread_receipts IS 'Receipts that have no reading yet: in with the receipt, out with its reading, in the same transactions.';
COMMENT ON COLUMN motcua.unread_receipts.receipt_id IS 'The receipt.';
