-- depends: 0026_reads_of_what_changed
-- Receipts that came before their numbers were masked show none to auditors; an inquiry's phone is a number or empty.

CREATE FUNCTION motcua.without_numbers(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN written ~ '^[0-9a-f]{32}$' THEN written
    ELSE regexp_replace(
        translate(normalize(written, nfkc), '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '01234567890123456789'),
        '[0-9]([^0-9A-Za-z]{0,5}[0-9]){7,}', '***', 'g'
    )
END;
COMMENT ON FUNCTION motcua.without_numbers(text)
IS 'A gateway''s words with every eight digits and more masked, however they are grouped; our own references as they are.';

CREATE OR REPLACE VIEW audit.receipts AS
SELECT
    r.receipt_id, r.gateway, r.received_at, motcua.without_numbers(r.reference) AS reference,
    motcua.without_numbers(r.gateway_status) AS gateway_status, s.attempt_id, s.meaning, s.effect, s.read_at
FROM motcua.receipts AS r
LEFT JOIN motcua.receipt_readings AS s ON r.receipt_id = s.receipt_id;
COMMENT ON TABLE motcua.receipts IS 'Delivery reports as received, numbers masked, append-only.';
COMMENT ON COLUMN motcua.receipts.reference IS 'The attempt''s reference, as given; what looks like a phone number is masked.';
COMMENT ON COLUMN motcua.receipts.gateway_status IS 'The gateway''s status, as given; what looks like a phone number is masked.';

UPDATE motcua.inquiries SET msisdn = NULL WHERE msisdn !~ '^[+][1-9][0-9]{7,14}$';
COMMENT ON COLUMN motcua.inquiries.msisdn IS 'Phone that asked, E.164; empty where a name or a short code asked. Personal data.';
