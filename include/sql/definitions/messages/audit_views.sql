-- What auditors may read of messages, their states over time, their attempts and releases: no phone and no text, also
-- where a gateway's words hold a number.
CREATE OR REPLACE VIEW audit.messages AS
SELECT
    message_id, kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, template_id,
    template_version, accented, segments, occurred_at, recorded_at, planned_at, useful_until, next_attempt_at,
    attempts_made, accepted_at, changed_at, carrier
FROM motcua.messages;
CREATE OR REPLACE VIEW audit.message_history AS
SELECT history_id, message_id, changed_at, from_state, from_reason, to_state, to_reason FROM motcua.message_history;
CREATE OR REPLACE VIEW audit.attempts AS
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
    motcua.without_numbers(gateway_code) AS gateway_code,
    motcua.without_numbers(gateway_reference) AS gateway_reference,
    segments,
    concerns,
    settlings,
    released
FROM motcua.attempts;
CREATE OR REPLACE VIEW audit.releases AS
SELECT release_id, message_id, attempt_id, released_at, released_by, reason FROM motcua.releases;
