-- Store a closing, which is the figures of a finished day, month, quarter or year: first its own row, then its figures
-- and differences in batches, and last the sums. Called by store/oversight/closings.py.

-- name: save_closing
-- Insert a closing and return its number (motcua.closings).
INSERT INTO motcua.closings (
    period,
    corrects,
    run_id,
    as_of,
    known_version,
    known_transition,
    known_history,
    known_message,
    known_inquiry,
    known_receipt,
    known_quality_run,
    known_attempt,
    data_as_of, sources_unread, segment_price, prices, figures_hash, difference, unexplained
)
VALUES (
    %(period)s,
    %(corrects)s,
    %(run_id)s,
    %(as_of)s,
    %(known_version)s,
    %(known_transition)s,
    %(known_history)s,
    %(known_message)s,
    %(known_inquiry)s,
    %(known_receipt)s,
    %(known_quality_run)s, %(known_attempt)s, %(data_as_of)s, %(sources_unread)s, %(segment_price)s,
    %(prices)s::jsonb, %(figures_hash)s, %(difference)s, %(unexplained)s
)
RETURNING closing_no, closed_at;

-- name: save_messages
-- Insert the message figures of a closing (motcua.closing_messages).
INSERT INTO motcua.closing_messages (
    closing_no,
    agency_code,
    procedure_code,
    kind,
    at_source,
    out_of_scope,
    only_source,
    only_ledger,
    suppressed,
    cancelled,
    expired,
    queued,
    sending,
    unknown,
    rejected,
    accepted,
    delivered,
    undelivered,
    unconfirmed,
    segments
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.procedure_code,
    r.kind,
    r.at_source,
    r.out_of_scope,
    r.only_source,
    r.only_ledger,
    r.suppressed,
    r.cancelled,
    r.expired,
    r.queued,
    r.sending,
    r.unknown,
    r.rejected,
    r.accepted,
    r.delivered,
    r.undelivered,
    r.unconfirmed,
    r.segments
FROM jsonb_populate_recordset(NULL::motcua.closing_messages, %(rows)s::jsonb) AS r;

-- name: save_reasons
-- Insert the number of messages of a closing for each reason (motcua.closing_reasons).
INSERT INTO motcua.closing_reasons (
    closing_no,
    agency_code,
    procedure_code,
    kind,
    state,
    reason,
    messages
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.procedure_code,
    r.kind,
    r.state,
    r.reason,
    r.messages
FROM jsonb_populate_recordset(NULL::motcua.closing_reasons, %(rows)s::jsonb) AS r;

-- name: save_timings
-- Insert how long a closing's delivered messages took since the source recorded their events (motcua.closing_timings).
INSERT INTO motcua.closing_timings (
    closing_no,
    agency_code,
    procedure_code,
    kind,
    delivered,
    median_seconds,
    p95_seconds
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.procedure_code,
    r.kind,
    r.delivered,
    r.median_seconds,
    r.p95_seconds
FROM jsonb_populate_recordset(NULL::motcua.closing_timings, %(rows)s::jsonb) AS r;

-- name: save_channels
-- Insert how many messages of a closing each gateway accepted, and how many units it bills for them
-- (motcua.closing_channels).
INSERT INTO motcua.closing_channels (
    closing_no,
    agency_code,
    kind,
    gateway,
    billed_unit,
    carrier,
    taken,
    units,
    segments
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.kind,
    r.gateway,
    r.billed_unit,
    r.carrier,
    r.taken,
    r.units,
    r.segments
FROM jsonb_populate_recordset(NULL::motcua.closing_channels, %(rows)s::jsonb) AS r;

-- name: save_dossiers
-- Insert the dossier figures of a closing (motcua.closing_dossiers).
INSERT INTO motcua.closing_dossiers (
    closing_no,
    agency_code,
    procedure_code,
    carried_over,
    received,
    received_online,
    received_postal,
    resolved_early,
    resolved_on_time,
    resolved_late,
    resolved_without_due,
    withdrawn,
    open_in_time,
    open_late,
    paused_in_time,
    paused_late,
    due,
    handed_over
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.procedure_code,
    r.carried_over,
    r.received,
    r.received_online,
    r.received_postal,
    r.resolved_early,
    r.resolved_on_time,
    r.resolved_late,
    r.resolved_without_due,
    r.withdrawn,
    r.open_in_time,
    r.open_late,
    r.paused_in_time,
    r.paused_late,
    r.due,
    r.handed_over
FROM jsonb_populate_recordset(NULL::motcua.closing_dossiers, %(rows)s::jsonb) AS r;

-- name: save_agencies
-- Insert the figures of the agencies of a closing (motcua.closing_agencies).
INSERT INTO motcua.closing_agencies (
    closing_no,
    agency_code,
    apologies_right,
    apologies_wrong,
    apologies_stopped,
    late_untold,
    inquiries,
    inquiry_fees,
    told_without_result,
    findings_open
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.apologies_right,
    r.apologies_wrong,
    r.apologies_stopped,
    r.late_untold,
    r.inquiries,
    r.inquiry_fees,
    r.told_without_result,
    r.findings_open
FROM jsonb_populate_recordset(NULL::motcua.closing_agencies, %(rows)s::jsonb) AS r;

-- name: save_differences
-- Insert the differences of a closing: occasions (events that a message is about) without a message, and messages
-- without an occasion (motcua.closing_differences).
INSERT INTO motcua.closing_differences (
    closing_no, side, reason, agency_code, procedure_code, kind, dossier_code, source_id, source_transition_id,
    transition_id, message_id, occurred_at
)
SELECT
    %(closing_no)s,
    r.side,
    r.reason,
    r.agency_code,
    r.procedure_code,
    r.kind,
    r.dossier_code,
    s.source_id,
    r.source_transition_id,
    r.transition_id,
    r.message_id,
    r.occurred_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        side text, reason text, agency_code text, procedure_code text, kind text, dossier_code text, source text,
        source_transition_id bigint, transition_id bigint, message_id bigint, occurred_at timestamptz
    )
LEFT JOIN motcua.sources AS s ON r.source = s.name;

-- name: save_orphans
-- Insert the orphans of a closing: messages without a dossier, delivery receipts that name no attempt, and results that
-- were handed over although no message announced them (motcua.closing_orphans).
INSERT INTO motcua.closing_orphans (
    closing_no,
    sort,
    agency_code,
    procedure_code,
    dossier_code,
    message_id,
    receipt_id,
    happened_at
)
SELECT
    %(closing_no)s,
    r.sort,
    r.agency_code,
    r.procedure_code,
    r.dossier_code,
    r.message_id,
    r.receipt_id,
    r.happened_at
FROM jsonb_populate_recordset(NULL::motcua.closing_orphans, %(rows)s::jsonb) AS r;

-- name: save_changes
-- Insert the figures that a correction (a later closing of the same period) changed (motcua.closing_changes).
INSERT INTO motcua.closing_changes (
    closing_no,
    agency_code,
    procedure_code,
    kind,
    figure,
    was,
    became,
    causes
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.procedure_code,
    r.kind,
    r.figure,
    r.was,
    r.became,
    r.causes
FROM jsonb_populate_recordset(NULL::motcua.closing_changes, %(rows)s::jsonb) AS r;

-- name: save_message_sums
-- Insert the sums of a closing's message figures (motcua.closing_message_sums).
INSERT INTO motcua.closing_message_sums (
    closing_no,
    agency_code,
    kind,
    balances,
    cells,
    at_source,
    out_of_scope,
    only_source,
    only_ledger,
    suppressed,
    cancelled,
    expired,
    queued,
    sending,
    unknown,
    rejected,
    accepted,
    delivered,
    undelivered,
    unconfirmed,
    segments
)
SELECT
    s.closing_no,
    s.agency_code,
    s.kind,
    s.balances,
    s.cells,
    s.at_source,
    s.out_of_scope,
    s.only_source,
    s.only_ledger,
    s.suppressed,
    s.cancelled,
    s.expired,
    s.queued,
    s.sending,
    s.unknown,
    s.rejected,
    s.accepted,
    s.delivered,
    s.undelivered,
    s.unconfirmed,
    s.segments
FROM audit.closing_message_sums AS s
WHERE s.closing_no = %(closing_no)s;

-- name: save_reason_sums
-- Insert the sums of a closing's messages by reason (motcua.closing_reason_sums).
INSERT INTO motcua.closing_reason_sums (
    closing_no,
    agency_code,
    kind,
    state,
    reason,
    messages
)
SELECT
    s.closing_no,
    s.agency_code,
    s.kind,
    s.state,
    s.reason,
    s.messages
FROM audit.closing_reason_sums AS s
WHERE s.closing_no = %(closing_no)s;

-- name: save_dossier_sums
-- Insert the sums of a closing's dossier figures (motcua.closing_dossier_sums).
INSERT INTO motcua.closing_dossier_sums (
    closing_no,
    agency_code,
    cells,
    carried_over,
    received,
    received_online,
    received_postal,
    resolved_early,
    resolved_on_time,
    resolved_late,
    resolved_without_due,
    withdrawn,
    open_in_time,
    open_late,
    paused_in_time,
    paused_late,
    due,
    handed_over
)
SELECT
    s.closing_no,
    s.agency_code,
    s.cells,
    s.carried_over,
    s.received,
    s.received_online,
    s.received_postal,
    s.resolved_early,
    s.resolved_on_time,
    s.resolved_late,
    s.resolved_without_due,
    s.withdrawn,
    s.open_in_time,
    s.open_late,
    s.paused_in_time,
    s.paused_late,
    s.due,
    s.handed_over
FROM audit.closing_dossier_sums AS s
WHERE s.closing_no = %(closing_no)s;
