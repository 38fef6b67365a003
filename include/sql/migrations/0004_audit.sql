-- depends: 0003_messages
-- What auditors may read: the facts, without numbers, names, notes and words.

CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'Facts for auditors, without personal data; read through the role motcua_audit.';

CREATE VIEW audit.agencies AS
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
    changed_by
FROM motcua.agencies;
CREATE VIEW audit.agency_changes AS
SELECT change_id, agency_code, changed_at, changed_by, before, after FROM motcua.agency_changes;
CREATE VIEW audit.dossiers AS
SELECT
    dossier_id,
    source_id,
    agency_code,
    dossier_code,
    procedure_code,
    phone_refusal,
    phone_notes,
    submitted_via,
    received_at,
    due_at, step_name, status_code, at_one_stop_desk, finished_at, returned_at, updated_at, picked_up_at
FROM motcua.dossiers;
CREATE VIEW audit.transitions AS
SELECT
    transition_id, source_id, source_transition_id, dossier_id, sequence, from_row, from_step, to_step, status_code,
    at_one_stop_desk, occurred_at, recorded_at, picked_up_at, planned_at, outcome, message_id
FROM motcua.transitions;
CREATE VIEW audit.messages AS
SELECT
    message_id, kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, template_id,
    template_version, accented, segments, occurred_at, recorded_at, planned_at, useful_until, next_attempt_at,
    attempts_made, accepted_at, changed_at
FROM motcua.messages;
CREATE VIEW audit.message_history AS
SELECT history_id, message_id, changed_at, from_state, from_reason, to_state, to_reason FROM motcua.message_history;
CREATE VIEW audit.attempts AS
SELECT
    attempt_id,
    message_id,
    gateway,
    reference,
    run_id,
    state,
    started_at,
    answered_at,
    outcome,
    http_status,
    gateway_code,
    gateway_reference
FROM motcua.attempts;
CREATE VIEW audit.receipts AS
SELECT
    r.receipt_id, r.gateway, r.received_at, r.reference, r.gateway_status, s.attempt_id, s.meaning, s.effect, s.read_at
FROM motcua.receipts AS r
LEFT JOIN motcua.receipt_readings AS s ON r.receipt_id = s.receipt_id;
CREATE VIEW audit.quarantine AS
SELECT quarantine_id, source_id, row_kind, reason, agency_code, status_code, first_seen_at, last_seen_at, released_at
FROM motcua.quarantine;
CREATE VIEW audit.findings AS
SELECT finding_id, code, agency_code, dossier_id, transition_id, detail, found_at FROM motcua.findings;

GRANT USAGE ON SCHEMA audit TO motcua_audit, motcua_app;
GRANT SELECT ON ALL TABLES IN SCHEMA audit TO motcua_audit, motcua_app;
