-- Waits until no other inquiry of this phone is being answered, and holds the phone for the rest of this transaction.
-- The callbacks take no lock but such a one: those that senders go by are out of their reach. Called by
-- include/sql/inquiries/lock_phone.sql.
CREATE OR REPLACE FUNCTION motcua.wait_for_phone(phone text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(9029, hashtext(phone))
$$;
COMMENT ON FUNCTION motcua.wait_for_phone(text)
IS 'Waits until no other inquiry of a phone is being answered, and holds it for the rest of the transaction.';
