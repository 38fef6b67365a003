-- What auditors may read of older steps that were typed in late, and since when the rule about them holds.
CREATE OR REPLACE VIEW audit.old_steps AS
SELECT transition_id, source_id, dossier_id, known_from, read_from, marked_at, version_id, has_force
FROM motcua.old_steps;
CREATE OR REPLACE VIEW audit.rule_dates AS SELECT rule, since FROM motcua.rule_dates;
