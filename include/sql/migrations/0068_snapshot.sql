-- depends: 0067_plans
-- Tables of the snapshot are emptied at each check, and the check itself has the planner look at them. A vacuum, which
-- began while they were filled and judged, read all of them for nothing, on the same processors.
ALTER TABLE quality.actor_days SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.agencies SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.agency_counts SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.agency_days SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.agency_month_facts SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.days SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.desk_register SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.dossier_facts SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.dossiers SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.edited SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.found SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.ledger_counts SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.marks SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.month_cells SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.moves SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.register_readings SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.result_messages SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.source_facts SET (autovacuum_enabled = FALSE);
ALTER TABLE quality.usual_waits SET (autovacuum_enabled = FALSE);
