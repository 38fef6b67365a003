-- What auditors may read of agencies, their codes, names and changes: no address of a recipient.
CREATE OR REPLACE VIEW audit.agencies AS
SELECT
    agency_code,
    name,
    short_name,
    province,
    enabled_from,
    accented,
    same_day_excluded,
    kinds_off,
    result_hold,
    changed_by,
    kinds_off_reason,
    apology_day,
    cardinality(report_recipients) AS report_recipients_count,
    retention,
    valid_from,
    valid_until,
    successor_code,
    by_department,
    same_day_procedures,
    same_day_reason
FROM motcua.agencies;
CREATE OR REPLACE VIEW audit.agency_aliases AS
SELECT alias, agency_code FROM motcua.agency_aliases;
CREATE OR REPLACE VIEW audit.agency_changes AS
SELECT change_id, agency_code, changed_at, changed_by, before, after, by_department, silences
FROM motcua.agency_changes;
CREATE OR REPLACE VIEW audit.agency_names AS
SELECT agency_code, valid_until, name, short_name FROM motcua.agency_names;
