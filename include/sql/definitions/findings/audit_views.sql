-- What auditors may read of findings, when they were open, and what was acknowledged.
CREATE OR REPLACE VIEW audit.findings AS
SELECT finding_id, rule, subject, level, agency_code, dossier_id, since, facts, first_run FROM motcua.findings;
CREATE OR REPLACE VIEW audit.finding_acknowledgements AS
SELECT acknowledgement_id, finding_id, acknowledged_at, acknowledged_by, why, until
FROM motcua.finding_acknowledgements;
CREATE OR REPLACE VIEW audit.finding_episodes AS
SELECT finding_id, opened_run, closed_run, again, deadline, department_on FROM motcua.finding_episodes;
CREATE OR REPLACE VIEW audit.finding_rechecks AS
SELECT recheck_id, finding_id, rechecked_at, rechecked_by, outcome FROM motcua.finding_rechecks;
