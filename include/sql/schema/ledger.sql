-- The ledger's schemas. The table rule_dates has, for each rule that a newer version of this software added, the time
-- from which the rule holds.

CREATE SCHEMA motcua;
COMMENT ON SCHEMA motcua IS 'The ledger of MotcuaSMS: dossiers, transitions, messages, attempts, receipts.';
-- This schema holds the data that one-stop software pushes or exports, and the accounts (clients) that may push.
CREATE SCHEMA intake;
-- This schema holds the views that auditors may read: the facts, without phone numbers, names, notes and texts.
CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'Facts for auditors, without personal data; read through the role motcua_audit.';
-- This schema holds the snapshot of the ledger that a run of the quality check reads. Each run fills it anew. Its
-- tables are unlogged: a crash of the server empties them, and nothing is lost.
CREATE SCHEMA quality;
COMMENT ON SCHEMA quality IS 'The snapshot of the ledger that a run of the data quality check judges. Holds no personal data. Auditors may not read it; they can read the stored results of the runs.';
-- In this schema one carrier statement (a provider's monthly bill) at a time is compared with the ledger. Its tables
-- are filled and emptied in one transaction, so that no other session ever sees a phone number.
CREATE SCHEMA statements;
COMMENT ON SCHEMA statements IS 'Tables in which a carrier statement is compared with the ledger. One transaction fills and empties them; at any other time they are empty.';

CREATE TABLE motcua.rule_dates (
    rule text PRIMARY KEY,
    since timestamptz NOT NULL
);
COMMENT ON TABLE motcua.rule_dates IS 'For each rule that a newer version of this software added: the time from which the rule holds. Rows recorded before that time follow the earlier rule.';
COMMENT ON COLUMN motcua.rule_dates.rule IS 'Name of the rule.';
COMMENT ON COLUMN motcua.rule_dates.since IS 'The rule holds for rows recorded from this time on. In a ledger that was empty when the rule was introduced, this time is earlier than all rows.';
-- The rule old_steps treats transitions that were typed in late in a special way. In a new ledger the rule holds for
-- all rows, so its time is earlier than any row.
INSERT INTO motcua.rule_dates (rule, since) VALUES ('old_steps', '2000-01-01 00:00+07');
