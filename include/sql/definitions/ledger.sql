-- The ledger as a whole: which tables are append-only, and which migrations it has.

-- List the migrations that were applied to the ledger (public._yoyo_migration). Roles that may not read the migration
-- tool's tables read this view.
CREATE OR REPLACE VIEW motcua.applied_migrations AS
SELECT m.migration_id, m.applied_at_utc AS applied_at
FROM public._yoyo_migration AS m;
COMMENT ON VIEW motcua.applied_migrations
IS 'The migrations that the ledger has, each with the time when it was applied (UTC, without a time zone).';

-- Refuse updates and deletions of the rows of an append-only table, even if a person types the SQL statement by hand.
-- The triggers of some tables call this function only for deletions.
CREATE OR REPLACE FUNCTION motcua.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.refuse_change()
IS 'Refuses updates and deletions of the rows of an append-only table, even if a person types the statement by hand. The triggers of some tables refuse only deletions.';
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.agency_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.message_history
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.receipt_readings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.gateway_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.releases
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.calendar_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.apology_evenings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE DELETE ON motcua.finding_episodes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.finding_acknowledgements
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE DELETE ON motcua.findings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE DELETE ON motcua.report_mails
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_dossiers
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_messages
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_reasons
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_timings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_channels
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_agencies
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_differences
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_orphans
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.complaint_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.carrier_statements
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.statement_lines
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.statement_matches
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.statement_uploads
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_pushed
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.portal_figures
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.publications
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE DELETE ON motcua.old_steps
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.template_registration_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.quality_results
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.quality_counts
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.quality_agencies
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.quality_shares
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.quality_suggestions
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.quality_sources
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.quality_broken_agencies
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.quality_withheld
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.journals
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_stops
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.user_agency_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.phone_searches
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.personal_data_purges
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_message_sums
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_dossier_sums
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_reason_sums
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.statement_sums
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.statement_difference_sums
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.personal_data_requests
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.finding_rechecks
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.status_map_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.publication_verifications
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON intake.client_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON intake.export_forms
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.airflow_cleanings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
