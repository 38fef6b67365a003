-- What auditors may read of closings: every figure, each difference, and what corrections changed.
CREATE OR REPLACE VIEW audit.closings AS
SELECT
    closing_no, period, corrects, run_id, as_of, known_version, known_transition, known_history, known_message,
    known_inquiry, known_receipt, data_as_of, sources_unread, segment_price, figures_hash, difference, unexplained,
    closed_at, period_length
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
-- Sums that pages tell of a closing: as they were written with it; one that an earlier version wrote has none, and is
-- added up.
CREATE OR REPLACE VIEW audit.closing_message_sums AS
SELECT
    closing_no, agency_code, kind, balances, cells, at_source, out_of_scope, only_source, only_ledger, suppressed,
    cancelled, expired, queued, sending, unknown, rejected, accepted, delivered, undelivered, unconfirmed, segments
FROM motcua.closing_message_sums
UNION ALL
SELECT
    c.closing_no, a.agency_code, a.kind, a.balances, a.cells, a.at_source, a.out_of_scope, a.only_source,
    a.only_ledger, a.suppressed, a.cancelled, a.expired, a.queued, a.sending, a.unknown, a.rejected, a.accepted,
    a.delivered, a.undelivered, a.unconfirmed, a.segments
FROM motcua.closings AS c
INNER JOIN LATERAL (
    SELECT
        m.agency_code, m.kind, m.difference = 0 AS balances, count(*)::integer AS cells,
        sum(m.at_source) AS at_source, sum(m.out_of_scope) AS out_of_scope,
        sum(m.only_source) AS only_source, sum(m.only_ledger) AS only_ledger,
        sum(m.suppressed) AS suppressed, sum(m.cancelled) AS cancelled,
        sum(m.expired) AS expired, sum(m.queued) AS queued, sum(m.sending) AS sending,
        sum(m.unknown) AS unknown, sum(m.rejected) AS rejected, sum(m.accepted) AS accepted,
        sum(m.delivered) AS delivered, sum(m.undelivered) AS undelivered,
        sum(m.unconfirmed) AS unconfirmed, sum(m.segments) AS segments
    FROM motcua.closing_messages AS m
    WHERE m.closing_no = c.closing_no
    GROUP BY m.agency_code, m.kind, m.difference = 0
) AS a ON TRUE
WHERE NOT EXISTS (SELECT 1 FROM motcua.closing_message_sums AS s WHERE s.closing_no = c.closing_no);
CREATE OR REPLACE VIEW audit.closing_dossier_sums AS
SELECT
    closing_no, agency_code, cells, carried_over, received, received_online, received_postal, resolved_early,
    resolved_on_time, resolved_late, resolved_without_due, withdrawn, open_in_time, open_late, paused_in_time,
    paused_late, due, handed_over
FROM motcua.closing_dossier_sums
UNION ALL
SELECT
    c.closing_no, a.agency_code, a.cells, a.carried_over, a.received, a.received_online, a.received_postal,
    a.resolved_early, a.resolved_on_time, a.resolved_late, a.resolved_without_due, a.withdrawn, a.open_in_time,
    a.open_late, a.paused_in_time, a.paused_late, a.due, a.handed_over
FROM motcua.closings AS c
INNER JOIN LATERAL (
    SELECT
        d.agency_code, count(*)::integer AS cells,
        sum(d.carried_over) AS carried_over, sum(d.received) AS received,
        sum(d.received_online) AS received_online, sum(d.received_postal) AS received_postal,
        sum(d.resolved_early) AS resolved_early, sum(d.resolved_on_time) AS resolved_on_time,
        sum(d.resolved_late) AS resolved_late, sum(d.resolved_without_due) AS resolved_without_due,
        sum(d.withdrawn) AS withdrawn, sum(d.open_in_time) AS open_in_time,
        sum(d.open_late) AS open_late, sum(d.paused_in_time) AS paused_in_time,
        sum(d.paused_late) AS paused_late, sum(d.due) AS due, sum(d.handed_over) AS handed_over
    FROM motcua.closing_dossiers AS d
    WHERE d.closing_no = c.closing_no
    GROUP BY d.agency_code
) AS a ON TRUE
WHERE NOT EXISTS (SELECT 1 FROM motcua.closing_dossier_sums AS s WHERE s.closing_no = c.closing_no);
CREATE OR REPLACE VIEW audit.closing_reason_sums AS
SELECT
    closing_no, agency_code, kind, state, reason, messages
FROM motcua.closing_reason_sums
UNION ALL
SELECT
    c.closing_no, a.agency_code, a.kind, a.state, a.reason, a.messages
FROM motcua.closings AS c
INNER JOIN LATERAL (
    SELECT
        r.agency_code, r.kind, r.state, r.reason, sum(r.messages) AS messages
    FROM motcua.closing_reasons AS r
    WHERE r.closing_no = c.closing_no
    GROUP BY r.agency_code, r.kind, r.state, r.reason
) AS a ON TRUE
WHERE NOT EXISTS (SELECT 1 FROM motcua.closing_reason_sums AS s WHERE s.closing_no = c.closing_no);
