-- What auditors may read of closings: every figure, each difference, and what corrections changed.
CREATE OR REPLACE VIEW audit.closings AS
SELECT
    closing_no, period, corrects, run_id, as_of, known_version, known_transition, known_history, known_message,
    known_inquiry, known_receipt, data_as_of, sources_unread, segment_price, figures_hash, difference, unexplained,
    closed_at
FROM motcua.closings;
CREATE OR REPLACE VIEW audit.closing_dossiers AS
SELECT
    closing_no, agency_code, procedure_code, carried_over, received, received_online, received_postal,
    resolved_early, resolved_on_time, resolved_late, resolved_without_due, withdrawn, open_in_time, open_late,
    paused_in_time, paused_late, due, handed_over
FROM motcua.closing_dossiers;
CREATE OR REPLACE VIEW audit.closing_messages AS
SELECT
    closing_no, agency_code, procedure_code, kind, at_source, out_of_scope, only_source, only_ledger, expected,
    suppressed, cancelled, expired, queued, sending, unknown, rejected, accepted, delivered, undelivered,
    unconfirmed, difference, segments
FROM motcua.closing_messages;
CREATE OR REPLACE VIEW audit.closing_reasons AS
SELECT
    closing_no, agency_code, procedure_code, kind, state, reason, messages
FROM motcua.closing_reasons;
CREATE OR REPLACE VIEW audit.closing_timings AS
SELECT
    closing_no, agency_code, procedure_code, kind, delivered, median_seconds, p95_seconds
FROM motcua.closing_timings;
CREATE OR REPLACE VIEW audit.closing_agencies AS
SELECT
    closing_no, agency_code, apologies_right, apologies_wrong, apologies_stopped, late_untold, inquiries,
    inquiry_fees, told_without_result, findings_open
FROM motcua.closing_agencies;
CREATE OR REPLACE VIEW audit.closing_differences AS
SELECT
    difference_no, closing_no, side, reason, explained, agency_code, procedure_code, kind, dossier_code, source_id,
    source_transition_id, transition_id, message_id, occurred_at
FROM motcua.closing_differences;
CREATE OR REPLACE VIEW audit.closing_orphans AS
SELECT
    orphan_no, closing_no, sort, agency_code, procedure_code, dossier_code, message_id, receipt_id, happened_at
FROM motcua.closing_orphans;
CREATE OR REPLACE VIEW audit.closing_changes AS
SELECT
    closing_no, agency_code, procedure_code, kind, figure, was, became, causes
FROM motcua.closing_changes;
