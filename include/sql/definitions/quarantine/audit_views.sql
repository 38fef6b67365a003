-- What auditors may read of rows that could not be used: why, and no word of what they hold.
CREATE OR REPLACE VIEW audit.quarantine AS
SELECT quarantine_id, source_id, row_kind, reason, agency_code, status_code, first_seen_at, last_seen_at, released_at
FROM motcua.quarantine;
