-- What auditors may read of the sources: when each was read last.
CREATE OR REPLACE VIEW audit.sources AS SELECT source_id, name, picked_up_at, failed_at FROM motcua.sources;
CREATE OR REPLACE VIEW audit.status_map_changes AS
SELECT change_id, source_id, source_status, status_before, status_code, changed_at, changed_by
FROM motcua.status_map_changes;
