-- Receipts that were read wait no more.
CREATE OR REPLACE FUNCTION motcua.note_read_receipts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    DELETE FROM motcua.unread_receipts WHERE receipt_id IN (SELECT receipt_id FROM written);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.note_read_receipts() IS 'Receipts that were read wait no more.';
CREATE OR REPLACE TRIGGER note_read_receipts AFTER INSERT ON motcua.receipt_readings
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION motcua.note_read_receipts();
