-- What auditors may read of personal data that was emptied: how much, when, by whom and why.
CREATE OR REPLACE VIEW audit.personal_data_purges AS
SELECT purge_id, reference, purged_at, cause, of_table, emptied, purged_by, reason FROM motcua.personal_data_purges;
CREATE OR REPLACE VIEW audit.personal_data_requests AS
SELECT r.request_id, r.handled_at, r.handled_by, r.act, r.agency_code, r.dossier_code, r.reason, r.dossiers, r.held
FROM motcua.personal_data_requests AS r;
