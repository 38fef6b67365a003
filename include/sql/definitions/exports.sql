-- Exported files: how transactions that put a file into a folder wait for each other.

-- Wait until no other transaction puts a file into the named folder or sets the form of the files in it, and make later
-- transactions of this kind wait until this transaction ends. A form describes the columns and words of a source's
-- files (intake.export_forms). Called by include/sql/uploads.sql and include/sql/intake/exports.sql.
CREATE OR REPLACE FUNCTION motcua.wait_for_folder(named text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(9030, hashtext(named))
$$;
COMMENT ON FUNCTION motcua.wait_for_folder(text)
IS 'Waits until no other transaction puts a file into this folder or sets the form of the files in it, and keeps others waiting until this transaction ends.';
