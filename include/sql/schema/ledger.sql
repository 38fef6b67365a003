-- The ledger's schemas, and the dates since which its rules hold.

CREATE SCHEMA motcua;
COMMENT ON SCHEMA motcua IS 'The ledger of MotcuaSMS: dossiers, transitions, messages, attempts, receipts.';
-- What one-stop software pushes, and who may push.
CREATE SCHEMA intake;
-- What auditors may read: the facts, without numbers, names, notes and words.
CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'Facts for auditors, without personal data; read through the role motcua_audit.';
-- The snapshot: one at a time, made anew by each run. After a crash of the server it is empty, and nothing is lost.
CREATE SCHEMA quality;
COMMENT ON SCHEMA quality IS 'The snapshot that a check of data quality is judged on. Holds no personal data; not read by auditors, who have the runs.';
-- Where one file at a time is matched; filled and emptied in one transaction, so that nobody else ever sees a number.
CREATE SCHEMA statements;
COMMENT ON SCHEMA statements IS 'Where a statement is matched, empty between two transactions.';

CREATE TABLE motcua.rule_dates (
    rule text PRIMARY KEY,
    since timestamptz NOT NULL
);
COMMENT ON TABLE motcua.rule_dates IS 'Since when a rule holds; what was recorded before keeps the rule that held then.';
COMMENT ON COLUMN motcua.rule_dates.rule IS 'Name of the rule.';
COMMENT ON COLUMN motcua.rule_dates.since IS 'It holds for what was recorded from then on; a ledger that was empty then has always known it.';
-- A ledger that was empty then has always known the rule.
INSERT INTO motcua.rule_dates (rule, since) VALUES ('old_steps', '2000-01-01 00:00+07');
