-- Delivery receipts as they came, the meaning of each, and the receipts that are not applied yet.

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
COMMENT ON TABLE motcua.receipts IS 'Delivery receipts as received, with numbers masked, append-only.';
COMMENT ON COLUMN motcua.receipts.receipt_id IS 'Our number of the receipt.';
COMMENT ON COLUMN motcua.receipts.gateway IS 'Gateway that sent the receipt.';
COMMENT ON COLUMN motcua.receipts.received_at IS 'When the receipt came.';
COMMENT ON COLUMN motcua.receipts.reference IS 'The attempt''s reference as the gateway gave it. Digits that look like a phone number are masked.';
COMMENT ON COLUMN motcua.receipts.gateway_status IS 'The gateway''s status as given. Digits that look like a phone number are masked.';
COMMENT ON COLUMN motcua.receipts.raw IS 'All fields of the receipt, without numbers and secrets.';
COMMENT ON COLUMN motcua.receipts.purged_at IS 'When the fields were emptied.';

CREATE TABLE motcua.receipt_readings (
    receipt_id bigint PRIMARY KEY REFERENCES motcua.receipts,
    attempt_id bigint REFERENCES motcua.attempts,
    meaning text NOT NULL
    CHECK (meaning IN ('accepted', 'delivered', 'undelivered', 'refused', 'absent', 'pending', 'unreadable')),
    effect text NOT NULL CHECK (effect IN ('applied', 'no_change', 'unknown_reference')),
    read_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX receipt_readings_attempt ON motcua.receipt_readings (attempt_id);
COMMENT ON TABLE motcua.receipt_readings IS 'The meaning of each delivery receipt and its effect, append-only.';
COMMENT ON COLUMN motcua.receipt_readings.receipt_id IS 'The receipt.';
COMMENT ON COLUMN motcua.receipt_readings.attempt_id IS 'The attempt that the receipt names; empty if none is known.';
COMMENT ON COLUMN motcua.receipt_readings.meaning IS 'Meaning: accepted, delivered, undelivered, refused (the carrier refused the message or one part of it), absent (the gateway never had it), pending or unreadable.';
COMMENT ON COLUMN motcua.receipt_readings.effect IS 'Whether the receipt changed the message.';
COMMENT ON COLUMN motcua.receipt_readings.read_at IS 'When the receipt was applied.';

-- Receipts that are stored and not applied. Only the triggers write this table. It has no foreign key, because the key
-- would lock each receipt, and a lock is a write.
CREATE TABLE motcua.unread_receipts (
    receipt_id bigint PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE motcua.unread_receipts IS 'Delivery receipts without a reading: inserted with the receipt and deleted with its reading, in the same transactions.';
COMMENT ON COLUMN motcua.unread_receipts.receipt_id IS 'The receipt.';
