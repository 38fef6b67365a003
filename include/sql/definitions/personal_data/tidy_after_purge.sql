-- What emptied columns leave behind: the planner's own samples of their values, which are gathered anew. Those of the
-- numbers in carriers' statements, and of ids that may hold some, go with the column's type being said again, since of
-- a table that is empty again none are gathered. Called by include/sql/personal_data/tidy.sql.
CREATE OR REPLACE FUNCTION motcua.tidy_after_purge() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
    ALTER TABLE statements.lines ALTER COLUMN msisdn TYPE text, ALTER COLUMN reference TYPE text,
    ALTER COLUMN gateway_reference TYPE text;
    ALTER TABLE statements.ours ALTER COLUMN msisdn TYPE text, ALTER COLUMN gateway_reference TYPE text;
    ANALYZE motcua.dossiers (applicant_name, applicant_phone, msisdn);
    ANALYZE motcua.dossier_versions (applicant_phone);
    ANALYZE motcua.messages (msisdn, text, parameters);
    ANALYZE motcua.attempts (msisdn, gateway_reference);
    ANALYZE motcua.transitions (note, actor);
    ANALYZE motcua.inquiries (msisdn, text, asked_code, gateway_message_id, dedupe_key);
    -- Whole, with their indexes on what a code is looked up by.
    ANALYZE motcua.complaints;
    ANALYZE motcua.quarantine;
    ANALYZE motcua.receipts (raw);
    ANALYZE intake.pushed_dossiers (fields);
    ANALYZE intake.pushed_steps (fields);
END
$$;
COMMENT ON FUNCTION motcua.tidy_after_purge() IS 'Gathers the planner''s samples of emptied columns anew.';
