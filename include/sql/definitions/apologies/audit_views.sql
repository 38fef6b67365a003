-- What auditors may read of the evenings on which apologies were decided.
CREATE OR REPLACE VIEW audit.apology_evenings AS
SELECT
    agency_code, day, evening_at, apology_day, state, first_due, last_due, useful_until, settled_at, known_transition,
    known_version, looked_at, queued, suppressed, missed
FROM motcua.apology_evenings;
