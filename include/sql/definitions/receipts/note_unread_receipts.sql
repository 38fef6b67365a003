-- Receipts that were stored wait to be read.
CREATE OR REPLACE FUNCTION motcua.note_unread_receipts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    INSERT INTO motcua.unread_receipts (receipt_id) SELECT receipt_id FROM written;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.note_unread_receipts() IS 'Receipts that were stored wait to be read.';
CREATE OR REPLACE TRIGGER note_unread_receipts AFTER INSERT ON motcua.receipts
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION motcua.note_unread_receipts();
