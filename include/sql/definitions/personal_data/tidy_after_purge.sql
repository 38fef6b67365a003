-- What emptied columns leave behind: the planner's own samples of their values, which are gathered anew, and the
-- numbers of the last carrier's statement in the scratch tables, whose samples go with the column's type being said
-- again, since of an empty table none are gathered. Called by include/sql/personal_data/tidy.sql.
CREATE OR REPLACE FUNCTION motcua.tidy_after_purge() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
    TRUNCATE statements.lines, statements.ours, statements.pairs;
    ALTER TABLE statements.lines ALTER COLUMN msisdn TYPE text;
    ALTER TABLE statements.ours ALTER COLUMN msisdn TYPE text;
    ANALYZE motcua.dossiers (applicant_name, applicant_phone, msisdn);
    ANALYZE motcua.dossier_versions (applicant_phone);
    ANALYZE motcua.messages (msisdn, text, parameters);
    ANALYZE motcua.attempts (msisdn);
    ANALYZE motcua.transitions (note, actor);
    ANALYZE motcua.inquiries (msisdn, text, asked_code);
    ANALYZE motcua.complaints (note, outcome_reason, withdraw_reason, dossier_code);
    ANALYZE motcua.quarantine (payload, dossier_code);
    ANALYZE motcua.receipts (raw);
END
$$;
COMMENT ON FUNCTION motcua.tidy_after_purge() IS 'Gathers the planner''s samples of emptied columns anew, and empties the scratch tables of carriers'' statements.';
REVOKE ALL ON FUNCTION motcua.tidy_after_purge FROM public;
GRANT EXECUTE ON FUNCTION motcua.tidy_after_purge TO motcua_app;
