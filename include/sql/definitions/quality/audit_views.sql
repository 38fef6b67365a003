-- What auditors may read of the runs of the data quality check.
CREATE OR REPLACE VIEW audit.quality_agencies AS
SELECT run_no, agency_code, dossiers, textable FROM motcua.quality_agencies;
CREATE OR REPLACE VIEW audit.quality_broken_agencies AS
SELECT run_no, agency_code, fault FROM motcua.quality_broken_agencies;
CREATE OR REPLACE VIEW audit.quality_counts AS
SELECT run_no, rule, agency_code, found, acknowledged, remind_agency, remind_department FROM motcua.quality_counts;
CREATE OR REPLACE VIEW audit.quality_results AS
SELECT run_no, rule, status, broken_reason, found, rows_hash FROM motcua.quality_results;
CREATE OR REPLACE VIEW audit.quality_runs AS
SELECT
    run_no, run_id, as_of, day, working_day, since, data_as_of, rules, thresholds, software, dossiers, findings, broken,
    content_hash, previous_seal, seal, sealed_at
FROM motcua.quality_runs;
CREATE OR REPLACE VIEW audit.quality_shares AS
SELECT
    run_no, agency_code, dimension, key, month, dossiers, textable, previous_dossiers, previous_textable
FROM motcua.quality_shares;
CREATE OR REPLACE VIEW audit.quality_sources AS
SELECT run_no, source_id, picked_up_at, last_transition_at, quarantined, failing FROM motcua.quality_sources;
CREATE OR REPLACE VIEW audit.quality_suggestions AS
SELECT run_no, agency_code, kind, facts FROM motcua.quality_suggestions;
CREATE OR REPLACE VIEW audit.quality_withheld AS
SELECT run_no, finding_id FROM motcua.quality_withheld;
