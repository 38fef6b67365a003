-- What auditors may read of personal data that was emptied: how much, when, by whom and why.
CREATE OR REPLACE VIEW audit.personal_data_purges AS
SELECT purge_id, reference, purged_at, cause, of_table, emptied, purged_by, reason FROM motcua.personal_data_purges;
