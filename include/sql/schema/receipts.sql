-- Delivery receipts as gateways sent them, the meaning of each receipt, and the receipts that were not read yet.

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
COMMENT ON TABLE motcua.receipts IS 'Delivery receipts as gateways sent them, with phone numbers masked, append-only.';
COMMENT ON COLUMN motcua.receipts.receipt_id IS 'Our number of the receipt.';
COMMENT ON COLUMN motcua.receipts.gateway IS 'Gateway that sent the receipt.';
COMMENT ON COLUMN motcua.receipts.received_at IS 'When the receipt arrived.';
COMMENT ON COLUMN motcua.receipts.reference IS 'Reference of the attempt that the receipt is about, as the gateway wrote it. Digits that look like a phone number are masked.';
COMMENT ON COLUMN motcua.receipts.gateway_status IS 'Status of the message, as the gateway wrote it. Digits that look like a phone number are masked.';
COMMENT ON COLUMN motcua.receipts.raw IS 'All fields of the receipt, without phone numbers and secrets.';
COMMENT ON COLUMN motcua.receipts.purged_at IS 'When the fields of the receipt that may hold personal data were emptied; empty: they were not.';

CREATE TABLE motcua.receipt_readings (
    receipt_id bigint PRIMARY KEY REFERENCES motcua.receipts,
    attempt_id bigint REFERENCES motcua.attempts,
    meaning text NOT NULL
    CHECK (meaning IN ('accepted', 'delivered', 'undelivered', 'refused', 'absent', 'pending', 'unreadable')),
    effect text NOT NULL CHECK (effect IN ('applied', 'no_change', 'unknown_reference')),
    read_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX receipt_readings_attempt ON motcua.receipt_readings (attempt_id);
COMMENT ON TABLE motcua.receipt_readings IS 'What each delivery receipt means and whether it changed its message, append-only.';
COMMENT ON COLUMN motcua.receipt_readings.receipt_id IS 'The receipt that was read.';
COMMENT ON COLUMN motcua.receipt_readings.attempt_id IS 'The attempt that the receipt is about; empty if the ledger knows no such attempt.';
COMMENT ON COLUMN motcua.receipt_readings.meaning IS 'What the receipt means for the attempt: accepted, delivered, undelivered, refused (the carrier refused the message or one segment of it), absent (the gateway never got the message), pending (not decided yet) or unreadable.';
COMMENT ON COLUMN motcua.receipt_readings.effect IS 'applied: the receipt changed the state of the message; no_change: it did not; unknown_reference: the ledger knows no attempt with its reference.';
COMMENT ON COLUMN motcua.receipt_readings.read_at IS 'When the receipt was read.';

-- Only triggers write this table. The table has no foreign key. With a foreign key, PostgreSQL would lock the receipt's
-- row at each insert, and locking a row writes to that row.
CREATE TABLE motcua.unread_receipts (
    receipt_id bigint PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE motcua.unread_receipts IS 'Delivery receipts that were not read yet. Triggers insert a row when a receipt is stored and delete it when its row in receipt_readings is written.';
COMMENT ON COLUMN motcua.unread_receipts.receipt_id IS 'The receipt that was not read yet.';
