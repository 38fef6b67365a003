-- Exports that are dropped as files: how those who put one into a folder wait for each other.

-- Waits until nobody else puts a file into this folder or sets its form, and holds it for the rest of this transaction.
-- Pages take no lock but such a one. Called by include/sql/uploads.sql and
-- include/sql/intake/exports.sql.
CREATE OR REPLACE FUNCTION motcua.wait_for_folder(named text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(9030, hashtext(named))
$$;
COMMENT ON FUNCTION motcua.wait_for_folder(text)
IS 'Waits until nobody else puts a file into a folder, and holds it for the rest of the transaction.';
