-- Reconciliation: closings of days, months, quarters and years with the figures they fixed, and what did not meet the
-- sources.

CREATE TABLE motcua.closings (
    closing_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    period text NOT NULL CHECK (period ~ '^[0-9]{4}(-Q[1-4]|-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$'),
    period_length text NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN char_length(period) = 10 THEN 'day'
            WHEN char_length(period) = 4 THEN 'year'
            WHEN substr(period, 6, 1) = 'Q' THEN 'quarter'
            ELSE 'month'
        END
    ) STORED,
    corrects bigint UNIQUE REFERENCES motcua.closings,
    run_id text NOT NULL CHECK (btrim(run_id) <> ''),
    as_of timestamptz NOT NULL,
    known_version bigint NOT NULL,
    known_transition bigint NOT NULL,
    known_history bigint NOT NULL,
    known_message bigint NOT NULL,
    known_inquiry bigint NOT NULL,
    known_receipt bigint NOT NULL,
    -- A check that began before the cut-off and was sealed after it counted when the closing was held against the
    -- facts, and had not when it was made.
    known_quality_run bigint,
    known_attempt bigint,
    data_as_of timestamptz,
    sources_unread text[] NOT NULL DEFAULT '{}',
    segment_price integer CHECK (segment_price >= 0),
    prices jsonb,
    figures_hash text NOT NULL CHECK (figures_hash ~ '^[0-9a-f]{64}$'),
    difference bigint NOT NULL,
    unexplained integer NOT NULL CHECK (unexplained >= 0),
    closed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- A period has one first closing; each other one corrects the one before, and none is corrected twice.
CREATE UNIQUE INDEX closings_first ON motcua.closings (period) WHERE corrects IS NULL;
CREATE INDEX closings_period ON motcua.closings (period, closing_no);
CREATE INDEX closings_of_length ON motcua.closings (period_length, period);
COMMENT ON TABLE motcua.closings IS 'Closings of a day, month, quarter or year, append-only; what arrives later is seen in a correction of the closed period.';
COMMENT ON COLUMN motcua.closings.closing_no IS 'Our number, growing.';
COMMENT ON COLUMN motcua.closings.period IS 'The day (2026-11-24), month (2026-11), quarter (2026-Q4) or year (2026), by the calendar of Vietnam.';
COMMENT ON COLUMN motcua.closings.period_length IS 'day, month, quarter or year; what period says.';
COMMENT ON COLUMN motcua.closings.corrects IS 'The closing of the same period that this one corrects; empty: the first one.';
COMMENT ON COLUMN motcua.closings.run_id IS 'DAG run, or the name of a run started by hand.';
COMMENT ON COLUMN motcua.closings.as_of IS 'The cut-off: what the ledger did not hold by then is not counted.';
COMMENT ON COLUMN motcua.closings.known_version IS 'Largest version of a dossier''s row that counts.';
COMMENT ON COLUMN motcua.closings.known_transition IS 'Largest transition that counts.';
COMMENT ON COLUMN motcua.closings.known_history IS 'Largest move of a message that counts.';
COMMENT ON COLUMN motcua.closings.known_message IS 'All messages up to this one count; of later ones a few may.';
COMMENT ON COLUMN motcua.closings.known_inquiry IS 'Largest inquiry that counts.';
COMMENT ON COLUMN motcua.closings.known_receipt IS 'Largest receipt that counts.';
COMMENT ON COLUMN motcua.closings.known_quality_run IS 'Largest sealed check of data quality that counts; 0: there was none; empty: it was closed before this was kept, every check counts that its moment lets in.';
COMMENT ON COLUMN motcua.closings.known_attempt IS 'Largest attempt that counts; empty: it was closed before channels were counted, or corrects such a one.';
COMMENT ON COLUMN motcua.closings.data_as_of IS 'When the sources had last been read, the oldest of them; empty: never.';
COMMENT ON COLUMN motcua.closings.sources_unread IS 'Sources that could not be asked for their own count.';
COMMENT ON COLUMN motcua.closings.segment_price IS 'Đồng that a segment was taken to cost where a gateway names no price, and by SMS alone; empty: not known.';
COMMENT ON COLUMN motcua.closings.prices IS 'Prices of the gateways that name their own, as motcua.gateways had them; empty: as known_attempt.';
COMMENT ON COLUMN motcua.closings.figures_hash IS 'SHA-256 over all figures and differences: the same figures give the same hash.';
COMMENT ON COLUMN motcua.closings.difference IS 'Sum of what is missing or too much against the sources'' own count, without signs; must be zero.';
COMMENT ON COLUMN motcua.closings.unexplained IS 'Differences without a reason.';
COMMENT ON COLUMN motcua.closings.closed_at IS 'When it was written.';

CREATE TABLE motcua.closing_dossiers (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    carried_over integer NOT NULL,
    received integer NOT NULL,
    received_online integer NOT NULL,
    received_postal integer NOT NULL,
    resolved_early integer NOT NULL,
    resolved_on_time integer NOT NULL,
    resolved_late integer NOT NULL,
    resolved_without_due integer NOT NULL,
    withdrawn integer NOT NULL,
    open_in_time integer NOT NULL,
    open_late integer NOT NULL,
    paused_in_time integer NOT NULL,
    paused_late integer NOT NULL,
    due integer NOT NULL,
    handed_over integer NOT NULL,
    PRIMARY KEY (closing_no, agency_code, procedure_code)
);
COMMENT ON TABLE motcua.closing_dossiers IS 'Dossiers by agency and procedure in a closing; append-only.';
COMMENT ON COLUMN motcua.closing_dossiers.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_dossiers.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.closing_dossiers.procedure_code IS 'The procedure; an empty text: the dossiers name none.';
COMMENT ON COLUMN motcua.closing_dossiers.carried_over IS 'Received before the period and not resolved before it.';
COMMENT ON COLUMN motcua.closing_dossiers.received IS 'Received in the period.';
COMMENT ON COLUMN motcua.closing_dossiers.received_online IS 'Of these, filed online.';
COMMENT ON COLUMN motcua.closing_dossiers.received_postal IS 'Of these, sent by post.';
COMMENT ON COLUMN motcua.closing_dossiers.resolved_early IS 'Resolved in the period on a day before the appointed one.';
COMMENT ON COLUMN motcua.closing_dossiers.resolved_on_time IS 'Resolved in the period on the appointed day.';
COMMENT ON COLUMN motcua.closing_dossiers.resolved_late IS 'Resolved in the period after the appointed day.';
COMMENT ON COLUMN motcua.closing_dossiers.resolved_without_due IS 'Resolved in the period without an appointed day.';
COMMENT ON COLUMN motcua.closing_dossiers.withdrawn IS 'Of all that were resolved, those withdrawn by the citizen.';
COMMENT ON COLUMN motcua.closing_dossiers.open_in_time IS 'Being worked on at the end of the period, appointed day not over.';
COMMENT ON COLUMN motcua.closing_dossiers.open_late IS 'Being worked on at the end of the period, appointed day over.';
COMMENT ON COLUMN motcua.closing_dossiers.paused_in_time IS 'Clock stopped at the end of the period, appointed day not over.';
COMMENT ON COLUMN motcua.closing_dossiers.paused_late IS 'Clock stopped at the end of the period, appointed day over.';
COMMENT ON COLUMN motcua.closing_dossiers.due IS 'Appointed day lies in the period.';
COMMENT ON COLUMN motcua.closing_dossiers.handed_over IS 'Result handed to the citizen in the period.';

CREATE TABLE motcua.closing_messages (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('result', 'supplement', 'apology', 'reply')),
    at_source integer NOT NULL,
    out_of_scope integer NOT NULL,
    only_source integer NOT NULL,
    only_ledger integer NOT NULL,
    expected integer GENERATED ALWAYS AS (at_source - out_of_scope - only_source + only_ledger) STORED,
    suppressed integer NOT NULL,
    cancelled integer NOT NULL,
    expired integer NOT NULL,
    queued integer NOT NULL,
    sending integer NOT NULL,
    unknown integer NOT NULL,
    rejected integer NOT NULL,
    accepted integer NOT NULL,
    delivered integer NOT NULL,
    undelivered integer NOT NULL,
    unconfirmed integer NOT NULL,
    difference integer GENERATED ALWAYS AS (
        at_source - out_of_scope - only_source + only_ledger - suppressed - cancelled - expired - queued - sending
        - unknown - rejected - accepted - delivered - undelivered - unconfirmed
    ) STORED,
    segments integer NOT NULL,
    PRIMARY KEY (closing_no, agency_code, procedure_code, kind)
);
-- Few: each is told by itself.
CREATE INDEX closing_messages_unbalanced ON motcua.closing_messages (closing_no) WHERE difference <> 0;
COMMENT ON TABLE motcua.closing_messages IS 'The accounting identity by agency, procedure and kind in a closing, against the sources'' own count; append-only.';
COMMENT ON COLUMN motcua.closing_messages.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_messages.agency_code IS 'The agency; an empty text: replies that are about no dossier.';
COMMENT ON COLUMN motcua.closing_messages.procedure_code IS 'The procedure; an empty text: none is named.';
COMMENT ON COLUMN motcua.closing_messages.kind IS 'Kind of message.';
COMMENT ON COLUMN motcua.closing_messages.at_source IS 'Occasions counted in the sources'' own tables; of replies, inquiries.';
COMMENT ON COLUMN motcua.closing_messages.out_of_scope IS 'Of these, from before the agency was enabled.';
COMMENT ON COLUMN motcua.closing_messages.only_source IS 'Of these, without a message for a reason that closing_differences gives.';
COMMENT ON COLUMN motcua.closing_messages.only_ledger IS 'Messages without such an occasion for a reason that closing_differences gives.';
COMMENT ON COLUMN motcua.closing_messages.expected IS 'at_source - out_of_scope - only_source + only_ledger.';
COMMENT ON COLUMN motcua.closing_messages.suppressed IS 'Messages in this state at the cut-off; likewise the following columns.';
COMMENT ON COLUMN motcua.closing_messages.cancelled IS 'See message_states.';
COMMENT ON COLUMN motcua.closing_messages.expired IS 'See message_states.';
COMMENT ON COLUMN motcua.closing_messages.queued IS 'See message_states.';
COMMENT ON COLUMN motcua.closing_messages.sending IS 'See message_states.';
COMMENT ON COLUMN motcua.closing_messages.unknown IS 'See message_states.';
COMMENT ON COLUMN motcua.closing_messages.rejected IS 'See message_states.';
COMMENT ON COLUMN motcua.closing_messages.accepted IS 'See message_states.';
COMMENT ON COLUMN motcua.closing_messages.delivered IS 'See message_states.';
COMMENT ON COLUMN motcua.closing_messages.undelivered IS 'See message_states.';
COMMENT ON COLUMN motcua.closing_messages.unconfirmed IS 'See message_states.';
COMMENT ON COLUMN motcua.closing_messages.difference IS 'expected less the messages in all states; must be zero.';
COMMENT ON COLUMN motcua.closing_messages.segments IS 'SMS segments, as planned, of the messages that a gateway took: what SMS alone would count.';

CREATE TABLE motcua.closing_reasons (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL REFERENCES motcua.message_states,
    reason text NOT NULL,
    messages integer NOT NULL CHECK (messages > 0),
    PRIMARY KEY (closing_no, agency_code, procedure_code, kind, state, reason)
);
COMMENT ON TABLE motcua.closing_reasons IS 'Messages of a closing that ended with a reason, by that reason; append-only.';
COMMENT ON COLUMN motcua.closing_reasons.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_reasons.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.closing_reasons.procedure_code IS 'The procedure.';
COMMENT ON COLUMN motcua.closing_reasons.kind IS 'Kind of message.';
COMMENT ON COLUMN motcua.closing_reasons.state IS 'State of the messages.';
COMMENT ON COLUMN motcua.closing_reasons.reason IS 'Why they are in it.';
COMMENT ON COLUMN motcua.closing_reasons.messages IS 'How many.';

CREATE TABLE motcua.closing_timings (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text,
    procedure_code text,
    kind text NOT NULL,
    delivered integer NOT NULL CHECK (delivered > 0),
    median_seconds integer NOT NULL,
    p95_seconds integer NOT NULL,
    UNIQUE NULLS NOT DISTINCT (closing_no, agency_code, procedure_code, kind)
);
COMMENT ON TABLE motcua.closing_timings IS 'Whole seconds from the source''s recording to delivery in a closing, by nearest rank; append-only.';
COMMENT ON COLUMN motcua.closing_timings.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_timings.agency_code IS 'The agency; empty: all agencies.';
COMMENT ON COLUMN motcua.closing_timings.procedure_code IS 'The procedure; empty: all procedures.';
COMMENT ON COLUMN motcua.closing_timings.kind IS 'Kind of message.';
COMMENT ON COLUMN motcua.closing_timings.delivered IS 'Messages delivered.';
COMMENT ON COLUMN motcua.closing_timings.median_seconds IS 'Half of them took no longer.';
COMMENT ON COLUMN motcua.closing_timings.p95_seconds IS '95 of 100 took no longer.';

CREATE TABLE motcua.closing_channels (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text NOT NULL,
    kind text NOT NULL,
    gateway text NOT NULL,
    billed_unit text NOT NULL CHECK (billed_unit IN ('segment', 'message')),
    carrier text NOT NULL,
    taken integer NOT NULL CHECK (taken > 0),
    units integer NOT NULL,
    segments integer NOT NULL,
    PRIMARY KEY (closing_no, agency_code, kind, gateway, billed_unit, carrier)
);
COMMENT ON TABLE motcua.closing_channels IS 'Messages that a gateway took in a closing, by agency, kind, gateway and carrier, with what it bills; append-only.';
COMMENT ON COLUMN motcua.closing_channels.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_channels.agency_code IS 'The agency; an empty text: replies that are about no dossier.';
COMMENT ON COLUMN motcua.closing_channels.kind IS 'Kind of message.';
COMMENT ON COLUMN motcua.closing_channels.gateway IS 'The gateway that had the message last; of a reply the one that brought the inquiry; an empty text: not known.';
COMMENT ON COLUMN motcua.closing_channels.billed_unit IS 'What it counts and bills: segment or message.';
COMMENT ON COLUMN motcua.closing_channels.carrier IS 'The number''s carrier, as it was taken to be; an empty text: not known.';
COMMENT ON COLUMN motcua.closing_channels.taken IS 'Messages.';
COMMENT ON COLUMN motcua.closing_channels.units IS 'Units that it bills for them.';
COMMENT ON COLUMN motcua.closing_channels.segments IS 'SMS segments of the same messages as planned: what SMS alone would count.';

CREATE TABLE motcua.closing_agencies (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text NOT NULL,
    apologies_right integer NOT NULL,
    apologies_wrong integer NOT NULL,
    apologies_stopped integer NOT NULL,
    late_untold integer NOT NULL,
    inquiries integer NOT NULL,
    inquiry_fees integer NOT NULL,
    told_without_result integer NOT NULL,
    findings_open integer NOT NULL,
    PRIMARY KEY (closing_no, agency_code)
);
COMMENT ON TABLE motcua.closing_agencies IS 'What is counted by agency alone in a closing; append-only.';
COMMENT ON COLUMN motcua.closing_agencies.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_agencies.agency_code IS 'The agency; an empty text: inquiries that name no known dossier.';
COMMENT ON COLUMN motcua.closing_agencies.apologies_right IS 'Apologies after which there was no result at the end of the appointed day.';
COMMENT ON COLUMN motcua.closing_agencies.apologies_wrong IS 'Apologies after which the result was there in time.';
COMMENT ON COLUMN motcua.closing_agencies.apologies_stopped IS 'Apologies after which work was stopped on the appointed day.';
COMMENT ON COLUMN motcua.closing_agencies.late_untold IS 'Dossiers late without an apology.';
COMMENT ON COLUMN motcua.closing_agencies.inquiries IS 'Texts to 9029.';
COMMENT ON COLUMN motcua.closing_agencies.inquiry_fees IS 'Đồng that citizens paid for them.';
COMMENT ON COLUMN motcua.closing_agencies.told_without_result IS 'Inquiries after a result SMS and before the result was handed over.';
COMMENT ON COLUMN motcua.closing_agencies.findings_open IS 'Findings of data quality that stood at the last check before the cut-off.';

-- Which agencies' figures a closing has as they were pushed.
CREATE TABLE motcua.closing_pushed (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    source text NOT NULL,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    PRIMARY KEY (closing_no, source, agency_code)
);
CREATE INDEX closing_pushed_agency ON motcua.closing_pushed (agency_code);
COMMENT ON TABLE motcua.closing_pushed IS 'Agencies whose figures a closing has as their one-stop software pushed them: what pushes itself cannot be counted independently. Append-only.';
COMMENT ON COLUMN motcua.closing_pushed.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_pushed.source IS 'Name of the source, which pushed at the time of the closing.';
COMMENT ON COLUMN motcua.closing_pushed.agency_code IS 'The agency.';

CREATE TABLE motcua.closing_stops (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    stop_id bigint NOT NULL REFERENCES motcua.stops,
    ended_at timestamptz,
    PRIMARY KEY (closing_no, stop_id)
);
COMMENT ON TABLE motcua.closing_stops IS 'Stops that were in force within a closing''s period, as they were known at its cut-off; append-only.';
COMMENT ON COLUMN motcua.closing_stops.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_stops.stop_id IS 'The stop.';
COMMENT ON COLUMN motcua.closing_stops.ended_at IS 'When somebody had ended it early by then; empty: nobody had.';

CREATE TABLE motcua.closing_differences (
    difference_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    side text NOT NULL CHECK (side IN ('source', 'ledger')),
    reason text NOT NULL CHECK (reason IN (
        'quarantined', 'cut_off', 'other_period', 'other_procedure', 'source_changed', 'time_cleaned', 'scope_changed',
        'evening_missed', 'missing', 'unplanned', 'without_message', 'without_event'
    )),
    explained boolean GENERATED ALWAYS AS (
        reason NOT IN ('missing', 'unplanned', 'without_message', 'without_event')
    ) STORED,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    kind text NOT NULL,
    dossier_code text,
    source_id smallint REFERENCES motcua.sources,
    source_transition_id bigint,
    transition_id bigint,
    message_id bigint,
    occurred_at timestamptz
);
CREATE INDEX closing_differences_closing ON motcua.closing_differences (closing_no, side, reason);
COMMENT ON TABLE motcua.closing_differences IS 'Occasions of a source without a message, and messages without an occasion, each with its reason; append-only.';
COMMENT ON COLUMN motcua.closing_differences.difference_no IS 'Our number.';
COMMENT ON COLUMN motcua.closing_differences.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_differences.side IS 'source: an occasion without a message; ledger: a message without an occasion.';
COMMENT ON COLUMN motcua.closing_differences.reason IS 'Why; missing, unplanned, without_message and without_event say that nobody can tell.';
COMMENT ON COLUMN motcua.closing_differences.explained IS 'The reason accounts for it.';
COMMENT ON COLUMN motcua.closing_differences.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.closing_differences.procedure_code IS 'The procedure.';
COMMENT ON COLUMN motcua.closing_differences.kind IS 'Kind of message.';
COMMENT ON COLUMN motcua.closing_differences.dossier_code IS 'The dossier''s code.';
COMMENT ON COLUMN motcua.closing_differences.source_id IS 'The source.';
COMMENT ON COLUMN motcua.closing_differences.source_transition_id IS 'The source''s number of the transition that began the occasion.';
COMMENT ON COLUMN motcua.closing_differences.transition_id IS 'Our transition.';
COMMENT ON COLUMN motcua.closing_differences.message_id IS 'The message.';
COMMENT ON COLUMN motcua.closing_differences.occurred_at IS 'When the event happened, as the source says, or the evening.';

CREATE TABLE motcua.closing_orphans (
    orphan_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    sort text NOT NULL CHECK (sort IN ('message_without_dossier', 'receipt_without_attempt', 'handed_over_untold')),
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    dossier_code text,
    message_id bigint,
    receipt_id bigint,
    happened_at timestamptz
);
CREATE INDEX closing_orphans_closing ON motcua.closing_orphans (closing_no, sort);
COMMENT ON TABLE motcua.closing_orphans IS 'What belongs to nothing in a closing; append-only.';
COMMENT ON COLUMN motcua.closing_orphans.orphan_no IS 'Our number.';
COMMENT ON COLUMN motcua.closing_orphans.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_orphans.sort IS 'What it is.';
COMMENT ON COLUMN motcua.closing_orphans.agency_code IS 'The agency; an empty text: none is known.';
COMMENT ON COLUMN motcua.closing_orphans.procedure_code IS 'The procedure; an empty text: none is known.';
COMMENT ON COLUMN motcua.closing_orphans.dossier_code IS 'The dossier''s code.';
COMMENT ON COLUMN motcua.closing_orphans.message_id IS 'The message.';
COMMENT ON COLUMN motcua.closing_orphans.receipt_id IS 'The receipt.';
COMMENT ON COLUMN motcua.closing_orphans.happened_at IS 'When it was planned, received or handed over.';

CREATE TABLE motcua.closing_changes (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    kind text NOT NULL,
    figure text NOT NULL,
    was bigint NOT NULL,
    became bigint NOT NULL CHECK (became <> was),
    causes text[] NOT NULL CHECK (causes <@ ARRAY[
        'late_receipt', 'settled_later', 'sent_later', 'reopened', 'picked_up_late', 'source_changed', 'dossier_changed'
    ] AND causes <> '{}'),
    PRIMARY KEY (closing_no, agency_code, procedure_code, kind, figure)
);
COMMENT ON TABLE motcua.closing_changes IS 'What a correction changed of the closing before, and why; append-only.';
COMMENT ON COLUMN motcua.closing_changes.closing_no IS 'The correction.';
COMMENT ON COLUMN motcua.closing_changes.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.closing_changes.procedure_code IS 'The procedure.';
COMMENT ON COLUMN motcua.closing_changes.kind IS 'Kind of message; an empty text: a figure about dossiers or an agency.';
COMMENT ON COLUMN motcua.closing_changes.figure IS 'Name of the figure.';
COMMENT ON COLUMN motcua.closing_changes.was IS 'Value in the closing before.';
COMMENT ON COLUMN motcua.closing_changes.became IS 'Value now.';
COMMENT ON COLUMN motcua.closing_changes.causes IS 'Why it changed.';

CREATE TABLE motcua.closing_dossier_sums (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text NOT NULL,
    cells integer NOT NULL CHECK (cells > 0),
    carried_over bigint NOT NULL,
    received bigint NOT NULL,
    received_online bigint NOT NULL,
    received_postal bigint NOT NULL,
    resolved_early bigint NOT NULL,
    resolved_on_time bigint NOT NULL,
    resolved_late bigint NOT NULL,
    resolved_without_due bigint NOT NULL,
    withdrawn bigint NOT NULL,
    open_in_time bigint NOT NULL,
    open_late bigint NOT NULL,
    paused_in_time bigint NOT NULL,
    paused_late bigint NOT NULL,
    due bigint NOT NULL,
    handed_over bigint NOT NULL,
    PRIMARY KEY (closing_no, agency_code)
);
COMMENT ON TABLE motcua.closing_dossier_sums IS 'Sums of closing_dossiers by agency; append-only. A closing that has none is to be added up.';
COMMENT ON COLUMN motcua.closing_dossier_sums.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_dossier_sums.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.closing_dossier_sums.cells IS 'Rows of closing_dossiers that were added up.';
COMMENT ON COLUMN motcua.closing_dossier_sums.carried_over IS 'Sum of closing_dossiers.carried_over.';
COMMENT ON COLUMN motcua.closing_dossier_sums.received IS 'Sum of closing_dossiers.received.';
COMMENT ON COLUMN motcua.closing_dossier_sums.received_online IS 'Sum of closing_dossiers.received_online.';
COMMENT ON COLUMN motcua.closing_dossier_sums.received_postal IS 'Sum of closing_dossiers.received_postal.';
COMMENT ON COLUMN motcua.closing_dossier_sums.resolved_early IS 'Sum of closing_dossiers.resolved_early.';
COMMENT ON COLUMN motcua.closing_dossier_sums.resolved_on_time IS 'Sum of closing_dossiers.resolved_on_time.';
COMMENT ON COLUMN motcua.closing_dossier_sums.resolved_late IS 'Sum of closing_dossiers.resolved_late.';
COMMENT ON COLUMN motcua.closing_dossier_sums.resolved_without_due IS 'Sum of closing_dossiers.resolved_without_due.';
COMMENT ON COLUMN motcua.closing_dossier_sums.withdrawn IS 'Sum of closing_dossiers.withdrawn.';
COMMENT ON COLUMN motcua.closing_dossier_sums.open_in_time IS 'Sum of closing_dossiers.open_in_time.';
COMMENT ON COLUMN motcua.closing_dossier_sums.open_late IS 'Sum of closing_dossiers.open_late.';
COMMENT ON COLUMN motcua.closing_dossier_sums.paused_in_time IS 'Sum of closing_dossiers.paused_in_time.';
COMMENT ON COLUMN motcua.closing_dossier_sums.paused_late IS 'Sum of closing_dossiers.paused_late.';
COMMENT ON COLUMN motcua.closing_dossier_sums.due IS 'Sum of closing_dossiers.due.';
COMMENT ON COLUMN motcua.closing_dossier_sums.handed_over IS 'Sum of closing_dossiers.handed_over.';

-- What pages tell of a closing, added up once in the transaction that writes it: it never changes.
CREATE TABLE motcua.closing_message_sums (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text NOT NULL,
    kind text NOT NULL,
    balances boolean NOT NULL,
    cells integer NOT NULL CHECK (cells > 0),
    at_source bigint NOT NULL,
    out_of_scope bigint NOT NULL,
    only_source bigint NOT NULL,
    only_ledger bigint NOT NULL,
    suppressed bigint NOT NULL,
    cancelled bigint NOT NULL,
    expired bigint NOT NULL,
    queued bigint NOT NULL,
    sending bigint NOT NULL,
    unknown bigint NOT NULL,
    rejected bigint NOT NULL,
    accepted bigint NOT NULL,
    delivered bigint NOT NULL,
    undelivered bigint NOT NULL,
    unconfirmed bigint NOT NULL,
    segments bigint NOT NULL,
    PRIMARY KEY (closing_no, agency_code, kind, balances)
);
COMMENT ON TABLE motcua.closing_message_sums IS 'Sums of closing_messages by agency and kind, of cells that balance and of those that do not; append-only. A closing that has none is to be added up.';
COMMENT ON COLUMN motcua.closing_message_sums.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_message_sums.agency_code IS 'The agency, as in closing_messages.';
COMMENT ON COLUMN motcua.closing_message_sums.kind IS 'Kind of message.';
COMMENT ON COLUMN motcua.closing_message_sums.balances IS 'Of cells whose difference is 0.';
COMMENT ON COLUMN motcua.closing_message_sums.cells IS 'Rows of closing_messages that were added up.';
COMMENT ON COLUMN motcua.closing_message_sums.at_source IS 'Sum of closing_messages.at_source.';
COMMENT ON COLUMN motcua.closing_message_sums.out_of_scope IS 'Sum of closing_messages.out_of_scope.';
COMMENT ON COLUMN motcua.closing_message_sums.only_source IS 'Sum of closing_messages.only_source.';
COMMENT ON COLUMN motcua.closing_message_sums.only_ledger IS 'Sum of closing_messages.only_ledger.';
COMMENT ON COLUMN motcua.closing_message_sums.suppressed IS 'Sum of closing_messages.suppressed.';
COMMENT ON COLUMN motcua.closing_message_sums.cancelled IS 'Sum of closing_messages.cancelled.';
COMMENT ON COLUMN motcua.closing_message_sums.expired IS 'Sum of closing_messages.expired.';
COMMENT ON COLUMN motcua.closing_message_sums.queued IS 'Sum of closing_messages.queued.';
COMMENT ON COLUMN motcua.closing_message_sums.sending IS 'Sum of closing_messages.sending.';
COMMENT ON COLUMN motcua.closing_message_sums.unknown IS 'Sum of closing_messages.unknown.';
COMMENT ON COLUMN motcua.closing_message_sums.rejected IS 'Sum of closing_messages.rejected.';
COMMENT ON COLUMN motcua.closing_message_sums.accepted IS 'Sum of closing_messages.accepted.';
COMMENT ON COLUMN motcua.closing_message_sums.delivered IS 'Sum of closing_messages.delivered.';
COMMENT ON COLUMN motcua.closing_message_sums.undelivered IS 'Sum of closing_messages.undelivered.';
COMMENT ON COLUMN motcua.closing_message_sums.unconfirmed IS 'Sum of closing_messages.unconfirmed.';
COMMENT ON COLUMN motcua.closing_message_sums.segments IS 'Sum of closing_messages.segments.';

CREATE TABLE motcua.closing_reason_sums (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    agency_code text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL REFERENCES motcua.message_states,
    reason text NOT NULL,
    messages bigint NOT NULL CHECK (messages > 0),
    PRIMARY KEY (closing_no, agency_code, kind, state, reason)
);
COMMENT ON TABLE motcua.closing_reason_sums IS 'Sums of closing_reasons by agency; append-only. A closing that has none is to be added up.';
COMMENT ON COLUMN motcua.closing_reason_sums.closing_no IS 'The closing.';
COMMENT ON COLUMN motcua.closing_reason_sums.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.closing_reason_sums.kind IS 'Kind of message.';
COMMENT ON COLUMN motcua.closing_reason_sums.state IS 'State of the messages.';
COMMENT ON COLUMN motcua.closing_reason_sums.reason IS 'Why they are in it.';
COMMENT ON COLUMN motcua.closing_reason_sums.messages IS 'Sum of closing_reasons.messages.';

CREATE UNLOGGED TABLE motcua.counted_occasions (
    occasion_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    agency_written text,
    dossier_code text,
    procedure_code text,
    kind text NOT NULL,
    numbers bigint[] NOT NULL,
    due_day date,
    occurred_at timestamptz,
    recorded_at timestamptz NOT NULL
);
COMMENT ON TABLE motcua.counted_occasions IS 'Scratch: occasions of one period as the sources'' own tables hold them, while a closing compares them; nothing of the ledger''s is in it.';
COMMENT ON COLUMN motcua.counted_occasions.occasion_no IS 'Our number.';
COMMENT ON COLUMN motcua.counted_occasions.source_id IS 'The source.';
COMMENT ON COLUMN motcua.counted_occasions.agency_written IS 'Agency as the source writes it.';
COMMENT ON COLUMN motcua.counted_occasions.dossier_code IS 'Dossier as the source writes it.';
COMMENT ON COLUMN motcua.counted_occasions.procedure_code IS 'Procedure as the source has it now.';
COMMENT ON COLUMN motcua.counted_occasions.kind IS 'Kind of message that it calls for.';
COMMENT ON COLUMN motcua.counted_occasions.numbers IS 'The source''s numbers of its transitions; none: the dossier''s row tells of it.';
COMMENT ON COLUMN motcua.counted_occasions.due_day IS 'Of an apology: the appointed day.';
COMMENT ON COLUMN motcua.counted_occasions.occurred_at IS 'When it happened, as the source says; of an apology the evening.';
COMMENT ON COLUMN motcua.counted_occasions.recorded_at IS 'When the source recorded it; of an apology the evening.';
