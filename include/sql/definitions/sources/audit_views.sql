-- What auditors may read of the sources: when each was read last.
CREATE OR REPLACE VIEW audit.sources AS SELECT source_id, name, picked_up_at, failed_at FROM motcua.sources;
