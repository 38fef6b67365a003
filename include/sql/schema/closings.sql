-- Closings: the stored figures of a finished day, month, quarter or year, and the occasions and messages that did not
-- match the sources' own data. An occasion is the event that a message is about.

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
    -- A verification of a publication counts the figures of the closing again. Without this column, the verification
    -- would also count a check of data quality that began before the cut-off (as_of) but ended after the closing was
    -- counted.
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
-- A period has one first closing. Each other closing of the period corrects the previous one, and no closing is
-- corrected twice.
CREATE UNIQUE INDEX closings_first ON motcua.closings (period) WHERE corrects IS NULL;
CREATE INDEX closings_period ON motcua.closings (period, closing_no);
CREATE INDEX closings_of_length ON motcua.closings (period_length, period);
COMMENT ON TABLE motcua.closings IS 'Closings of a day, month, quarter or year, append-only. Facts that arrive later appear in a correction of the closed period.';
COMMENT ON COLUMN motcua.closings.closing_no IS 'Our number of the closing, growing.';
COMMENT ON COLUMN motcua.closings.period IS 'The day (2026-11-24), month (2026-11), quarter (2026-Q4) or year (2026), in Vietnam''s time zone.';
COMMENT ON COLUMN motcua.closings.period_length IS 'Length of the period: day, month, quarter or year.';
COMMENT ON COLUMN motcua.closings.corrects IS 'The closing of the same period that this one corrects; empty: this is the first closing of the period.';
COMMENT ON COLUMN motcua.closings.run_id IS 'Name of the DAG run, or of the run started by hand, that stored the closing.';
COMMENT ON COLUMN motcua.closings.as_of IS 'The cut-off. Facts that the ledger did not have by then are not counted.';
COMMENT ON COLUMN motcua.closings.known_version IS 'Largest number in dossier_versions that counts in the closing.';
COMMENT ON COLUMN motcua.closings.known_transition IS 'Largest number of a transition that counts in the closing.';
COMMENT ON COLUMN motcua.closings.known_history IS 'Largest number in message_history that counts in the closing.';
COMMENT ON COLUMN motcua.closings.known_message IS 'All messages up to this number count in the closing. A few messages with larger numbers may count too.';
COMMENT ON COLUMN motcua.closings.known_inquiry IS 'Largest number of an inquiry that counts in the closing.';
COMMENT ON COLUMN motcua.closings.known_receipt IS 'Largest number of a delivery receipt that counts in the closing.';
COMMENT ON COLUMN motcua.closings.known_quality_run IS 'Largest number of a finished (sealed) check of data quality that counts in the closing; 0: there was none; empty: the closing is from before this number was stored, and every check before the cut-off counts.';
COMMENT ON COLUMN motcua.closings.known_attempt IS 'Largest number of an attempt that counts in the closing; empty: the closing is older than the table closing_channels, or corrects such a closing.';
COMMENT ON COLUMN motcua.closings.data_as_of IS 'The earliest of the times at which the sources were last read; empty: a source was never read.';
COMMENT ON COLUMN motcua.closings.sources_unread IS 'Names of the sources whose own rows could not be counted for the closing.';
COMMENT ON COLUMN motcua.closings.segment_price IS 'Price of an SMS segment in đồng that is assumed for gateways without a stated price, and for computing what SMS alone would have cost; empty: not known.';
COMMENT ON COLUMN motcua.closings.prices IS 'Prices that gateways stated, as motcua.gateways held them when the closing was stored; empty: the closing is older than the table closing_channels, or corrects such a closing.';
COMMENT ON COLUMN motcua.closings.figures_hash IS 'SHA-256 of all figures and differences. Equal figures give an equal hash.';
COMMENT ON COLUMN motcua.closings.difference IS 'Number of missing messages plus number of surplus messages, compared with the sources'' own count; must be zero.';
COMMENT ON COLUMN motcua.closings.unexplained IS 'Number of differences without a reason.';
COMMENT ON COLUMN motcua.closings.closed_at IS 'When the closing was stored.';

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
COMMENT ON TABLE motcua.closing_dossiers IS 'Numbers of dossiers in a closing, by agency and procedure; append-only.';
COMMENT ON COLUMN motcua.closing_dossiers.closing_no IS 'The closing that the figures belong to.';
COMMENT ON COLUMN motcua.closing_dossiers.agency_code IS 'The agency of the dossiers.';
COMMENT ON COLUMN motcua.closing_dossiers.procedure_code IS 'The procedure; an empty text: the dossiers name none.';
COMMENT ON COLUMN motcua.closing_dossiers.carried_over IS 'Dossiers received before the period and not resolved before it.';
COMMENT ON COLUMN motcua.closing_dossiers.received IS 'Dossiers received in the period.';
COMMENT ON COLUMN motcua.closing_dossiers.received_online IS 'Dossiers received in the period that were filed online.';
COMMENT ON COLUMN motcua.closing_dossiers.received_postal IS 'Dossiers received in the period that were sent by post.';
COMMENT ON COLUMN motcua.closing_dossiers.resolved_early IS 'Dossiers resolved in the period on a day before the due day.';
COMMENT ON COLUMN motcua.closing_dossiers.resolved_on_time IS 'Dossiers resolved in the period on the due day.';
COMMENT ON COLUMN motcua.closing_dossiers.resolved_late IS 'Dossiers resolved in the period after the due day.';
COMMENT ON COLUMN motcua.closing_dossiers.resolved_without_due IS 'Dossiers resolved in the period without a due day.';
COMMENT ON COLUMN motcua.closing_dossiers.withdrawn IS 'Dossiers resolved in the period that the citizen withdrew; also part of the other resolved figures.';
COMMENT ON COLUMN motcua.closing_dossiers.open_in_time IS 'Dossiers in progress at the end of the period whose due day was not over.';
COMMENT ON COLUMN motcua.closing_dossiers.open_late IS 'Dossiers in progress at the end of the period whose due day was over.';
COMMENT ON COLUMN motcua.closing_dossiers.paused_in_time IS 'Dossiers paused at the end of the period whose due day was not over.';
COMMENT ON COLUMN motcua.closing_dossiers.paused_late IS 'Dossiers paused at the end of the period whose due day was over.';
COMMENT ON COLUMN motcua.closing_dossiers.due IS 'Dossiers whose due day lies in the period.';
COMMENT ON COLUMN motcua.closing_dossiers.handed_over IS 'Dossiers whose result was handed to the citizen in the period.';

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
-- With this small index, pages find the few rows whose difference is not zero.
CREATE INDEX closing_messages_unbalanced ON motcua.closing_messages (closing_no) WHERE difference <> 0;
COMMENT ON TABLE motcua.closing_messages IS 'The accounting identity of a closing by agency, procedure and kind: whether each occasion that is counted in the sources'' own data has one message; append-only.';
COMMENT ON COLUMN motcua.closing_messages.closing_no IS 'The closing that the figures belong to.';
COMMENT ON COLUMN motcua.closing_messages.agency_code IS 'The agency; an empty text: replies about no dossier.';
COMMENT ON COLUMN motcua.closing_messages.procedure_code IS 'The procedure; an empty text: no procedure is named.';
COMMENT ON COLUMN motcua.closing_messages.kind IS 'Kind of the messages.';
COMMENT ON COLUMN motcua.closing_messages.at_source IS 'Occasions counted in the sources'' own tables; for replies, the inquiries.';
COMMENT ON COLUMN motcua.closing_messages.out_of_scope IS 'Occasions in at_source from before the agency was enabled.';
COMMENT ON COLUMN motcua.closing_messages.only_source IS 'Occasions in at_source without a message, for a reason that closing_differences gives.';
COMMENT ON COLUMN motcua.closing_messages.only_ledger IS 'Messages without an occasion in at_source, for a reason that closing_differences gives.';
COMMENT ON COLUMN motcua.closing_messages.expected IS 'at_source - out_of_scope - only_source + only_ledger.';
COMMENT ON COLUMN motcua.closing_messages.suppressed IS 'Messages that were suppressed at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.cancelled IS 'Messages that were cancelled at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.expired IS 'Messages that had expired at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.queued IS 'Messages that were queued at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.sending IS 'Messages that were being sent at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.unknown IS 'Messages of unknown outcome at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.rejected IS 'Messages that were rejected at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.accepted IS 'Messages that were accepted at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.delivered IS 'Messages that were delivered at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.undelivered IS 'Messages that were undelivered at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.unconfirmed IS 'Messages that were unconfirmed at the cut-off.';
COMMENT ON COLUMN motcua.closing_messages.difference IS 'expected minus the messages in all states; must be zero.';
COMMENT ON COLUMN motcua.closing_messages.segments IS 'SMS segments of the messages that a gateway accepted, as computed when the messages were planned. Messages that were not sent by SMS count as if they had been.';

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
COMMENT ON TABLE motcua.closing_reasons IS 'Numbers of messages of a closing whose state has a reason, for each reason; append-only.';
COMMENT ON COLUMN motcua.closing_reasons.closing_no IS 'The closing that the figure belongs to.';
COMMENT ON COLUMN motcua.closing_reasons.agency_code IS 'The agency of the messages, as in closing_messages.';
COMMENT ON COLUMN motcua.closing_reasons.procedure_code IS 'The procedure of the messages, as in closing_messages.';
COMMENT ON COLUMN motcua.closing_reasons.kind IS 'Kind of the messages.';
COMMENT ON COLUMN motcua.closing_reasons.state IS 'State of the messages at the cut-off.';
COMMENT ON COLUMN motcua.closing_reasons.reason IS 'Reason why the messages were in that state.';
COMMENT ON COLUMN motcua.closing_reasons.messages IS 'Number of messages in that state for that reason.';

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
COMMENT ON TABLE motcua.closing_timings IS 'How long delivered messages of a closing took, from the source''s recording of the event to the delivery, in whole seconds. Percentiles are by nearest rank; append-only.';
COMMENT ON COLUMN motcua.closing_timings.closing_no IS 'The closing that the figures belong to.';
COMMENT ON COLUMN motcua.closing_timings.agency_code IS 'The agency; empty: all agencies.';
COMMENT ON COLUMN motcua.closing_timings.procedure_code IS 'The procedure; empty: all procedures.';
COMMENT ON COLUMN motcua.closing_timings.kind IS 'Kind of the messages.';
COMMENT ON COLUMN motcua.closing_timings.delivered IS 'Number of delivered messages.';
COMMENT ON COLUMN motcua.closing_timings.median_seconds IS 'Median: half of the messages took at most this number of seconds.';
COMMENT ON COLUMN motcua.closing_timings.p95_seconds IS '95th percentile: 95 of 100 messages took at most this number of seconds.';

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
COMMENT ON TABLE motcua.closing_channels IS 'Messages of a closing that a gateway accepted, by agency, kind, gateway and carrier, with what the gateway bills; append-only.';
COMMENT ON COLUMN motcua.closing_channels.closing_no IS 'The closing that the figures belong to.';
COMMENT ON COLUMN motcua.closing_channels.agency_code IS 'The agency; an empty text: replies about no dossier.';
COMMENT ON COLUMN motcua.closing_channels.kind IS 'Kind of the messages.';
COMMENT ON COLUMN motcua.closing_channels.gateway IS 'The gateway of the message''s last attempt; for a reply the gateway that delivered the inquiry; an empty text: not known.';
COMMENT ON COLUMN motcua.closing_channels.billed_unit IS 'Unit that the gateway counts and bills: segment or message.';
COMMENT ON COLUMN motcua.closing_channels.carrier IS 'Carrier of the number, as assumed for the attempt; an empty text: not known.';
COMMENT ON COLUMN motcua.closing_channels.taken IS 'Number of messages that the gateway accepted.';
COMMENT ON COLUMN motcua.closing_channels.units IS 'Units that the gateway bills for these messages.';
COMMENT ON COLUMN motcua.closing_channels.segments IS 'SMS segments of the same messages, as computed when they were planned. Messages that were not sent by SMS count as if they had been.';

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
COMMENT ON TABLE motcua.closing_agencies IS 'Figures of a closing that are counted by agency only; append-only.';
COMMENT ON COLUMN motcua.closing_agencies.closing_no IS 'The closing that the figures belong to.';
COMMENT ON COLUMN motcua.closing_agencies.agency_code IS 'The agency; an empty text: inquiries that name no known dossier.';
COMMENT ON COLUMN motcua.closing_agencies.apologies_right IS 'Number of apologies whose dossier was in progress without a result at the end of the due day.';
COMMENT ON COLUMN motcua.closing_agencies.apologies_wrong IS 'Number of apologies whose dossier had its result in time.';
COMMENT ON COLUMN motcua.closing_agencies.apologies_stopped IS 'Number of apologies whose dossier had no result at the end of the due day and was not in progress any more.';
COMMENT ON COLUMN motcua.closing_agencies.late_untold IS 'Number of dossiers that were late and whose citizens got no apology.';
COMMENT ON COLUMN motcua.closing_agencies.inquiries IS 'Number of texts to 9029 about dossiers of the agency.';
COMMENT ON COLUMN motcua.closing_agencies.inquiry_fees IS 'Fees in đồng that citizens paid for these texts.';
COMMENT ON COLUMN motcua.closing_agencies.told_without_result IS 'Number of inquiries that came after a result message and before the result was handed over.';
COMMENT ON COLUMN motcua.closing_agencies.findings_open IS 'Number of faults in data that the last check of data quality before the cut-off found, without acknowledged ones. No check later than the day after the period counts.';

CREATE TABLE motcua.closing_pushed (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    source text NOT NULL,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    PRIMARY KEY (closing_no, source, agency_code)
);
CREATE INDEX closing_pushed_agency ON motcua.closing_pushed (agency_code);
COMMENT ON TABLE motcua.closing_pushed IS 'Agencies whose figures in a closing come from data that their one-stop software pushed. Such data cannot be counted independently. Append-only.';
COMMENT ON COLUMN motcua.closing_pushed.closing_no IS 'The closing that has figures from pushes.';
COMMENT ON COLUMN motcua.closing_pushed.source IS 'Name of the source, which pushed data at the time of the closing.';
COMMENT ON COLUMN motcua.closing_pushed.agency_code IS 'The agency whose figures come from pushes.';

CREATE TABLE motcua.closing_stops (
    closing_no bigint NOT NULL REFERENCES motcua.closings,
    stop_id bigint NOT NULL REFERENCES motcua.stops,
    ended_at timestamptz,
    PRIMARY KEY (closing_no, stop_id)
);
COMMENT ON TABLE motcua.closing_stops IS 'Stops (orders to send no messages of a kind or an agency for some time) that were in force within a closing''s period, as known at its cut-off; append-only.';
COMMENT ON COLUMN motcua.closing_stops.closing_no IS 'The closing in whose period the stop was in force.';
COMMENT ON COLUMN motcua.closing_stops.stop_id IS 'The stop that was in force.';
COMMENT ON COLUMN motcua.closing_stops.ended_at IS 'When the stop was ended early, as known at the cut-off; empty: it was not ended early by then.';

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
COMMENT ON COLUMN motcua.closing_differences.difference_no IS 'Our number of the difference.';
COMMENT ON COLUMN motcua.closing_differences.closing_no IS 'The closing in which the difference was found.';
COMMENT ON COLUMN motcua.closing_differences.side IS 'Side of the difference. source: an occasion without a message; ledger: a message without an occasion.';
COMMENT ON COLUMN motcua.closing_differences.reason IS 'Reason. missing, unplanned, without_message and without_event mean that nothing explains the difference.';
COMMENT ON COLUMN motcua.closing_differences.explained IS 'Whether the reason explains the difference.';
COMMENT ON COLUMN motcua.closing_differences.agency_code IS 'The agency of the occasion or message.';
COMMENT ON COLUMN motcua.closing_differences.procedure_code IS 'The procedure of the occasion or message.';
COMMENT ON COLUMN motcua.closing_differences.kind IS 'Kind of message that the occasion calls for, or kind of the message.';
COMMENT ON COLUMN motcua.closing_differences.dossier_code IS 'Code of the dossier that the occasion or message is about.';
COMMENT ON COLUMN motcua.closing_differences.source_id IS 'The source of the occasion or message.';
COMMENT ON COLUMN motcua.closing_differences.source_transition_id IS 'The source''s number of the transition with which the occasion began.';
COMMENT ON COLUMN motcua.closing_differences.transition_id IS 'Our number of the transition.';
COMMENT ON COLUMN motcua.closing_differences.message_id IS 'The message that the difference is about; empty: none.';
COMMENT ON COLUMN motcua.closing_differences.occurred_at IS 'When the event happened by the source''s data; for an apology, the time at which it was to be planned.';

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
COMMENT ON TABLE motcua.closing_orphans IS 'Orphans of a closing: messages, delivery receipts and handed-over results that lack the dossier, attempt or message that they should have; append-only.';
COMMENT ON COLUMN motcua.closing_orphans.orphan_no IS 'Our number of the orphan.';
COMMENT ON COLUMN motcua.closing_orphans.closing_no IS 'The closing in which the orphan was found.';
COMMENT ON COLUMN motcua.closing_orphans.sort IS 'Sort of the orphan: message_without_dossier, receipt_without_attempt or handed_over_untold (a result that was handed over although no message announced it).';
COMMENT ON COLUMN motcua.closing_orphans.agency_code IS 'The agency; an empty text: not known.';
COMMENT ON COLUMN motcua.closing_orphans.procedure_code IS 'The procedure; an empty text: not known.';
COMMENT ON COLUMN motcua.closing_orphans.dossier_code IS 'Code of the dossier whose result was handed over; empty for the other sorts.';
COMMENT ON COLUMN motcua.closing_orphans.message_id IS 'The message without a dossier.';
COMMENT ON COLUMN motcua.closing_orphans.receipt_id IS 'The delivery receipt without an attempt.';
COMMENT ON COLUMN motcua.closing_orphans.happened_at IS 'When the message was planned, the receipt came or the result was handed over.';

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
COMMENT ON TABLE motcua.closing_changes IS 'Figures of a correction that differ from the closing that it corrects, and why; append-only.';
COMMENT ON COLUMN motcua.closing_changes.closing_no IS 'The closing that corrects an earlier one.';
COMMENT ON COLUMN motcua.closing_changes.agency_code IS 'The agency whose figure changed.';
COMMENT ON COLUMN motcua.closing_changes.procedure_code IS 'The procedure whose figure changed.';
COMMENT ON COLUMN motcua.closing_changes.kind IS 'Kind of message; an empty text: a figure about dossiers or an agency.';
COMMENT ON COLUMN motcua.closing_changes.figure IS 'Name of the figure that changed.';
COMMENT ON COLUMN motcua.closing_changes.was IS 'Value of the figure in the closing that was corrected.';
COMMENT ON COLUMN motcua.closing_changes.became IS 'Value of the figure in the correction.';
COMMENT ON COLUMN motcua.closing_changes.causes IS 'Why the figure changed.';

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
COMMENT ON TABLE motcua.closing_dossier_sums IS 'Sums of closing_dossiers by agency; append-only. For a closing without rows here, its rows in closing_dossiers must be added up.';
COMMENT ON COLUMN motcua.closing_dossier_sums.closing_no IS 'The closing that the sums belong to.';
COMMENT ON COLUMN motcua.closing_dossier_sums.agency_code IS 'The agency of the dossiers.';
COMMENT ON COLUMN motcua.closing_dossier_sums.cells IS 'Number of rows of closing_dossiers in the sum.';
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

-- Pages show the sums of this table. Because a closing never changes, its sums are computed once, in the transaction
-- that stores the closing.
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
COMMENT ON TABLE motcua.closing_message_sums IS 'Sums of closing_messages by agency and kind, separately for rows whose difference is zero and for other rows; append-only. For a closing without rows here, its rows in closing_messages must be added up.';
COMMENT ON COLUMN motcua.closing_message_sums.closing_no IS 'The closing that the sums belong to.';
COMMENT ON COLUMN motcua.closing_message_sums.agency_code IS 'The agency, as in closing_messages.';
COMMENT ON COLUMN motcua.closing_message_sums.kind IS 'Kind of the messages.';
COMMENT ON COLUMN motcua.closing_message_sums.balances IS 'Whether the sum is over rows with the difference 0 (true) or over the other rows (false).';
COMMENT ON COLUMN motcua.closing_message_sums.cells IS 'Number of rows of closing_messages in the sum.';
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
COMMENT ON TABLE motcua.closing_reason_sums IS 'Sums of closing_reasons by agency; append-only. For a closing without rows here, its rows in closing_reasons must be added up.';
COMMENT ON COLUMN motcua.closing_reason_sums.closing_no IS 'The closing that the sum belongs to.';
COMMENT ON COLUMN motcua.closing_reason_sums.agency_code IS 'The agency of the messages, as in closing_reasons.';
COMMENT ON COLUMN motcua.closing_reason_sums.kind IS 'Kind of the messages.';
COMMENT ON COLUMN motcua.closing_reason_sums.state IS 'State of the messages at the cut-off.';
COMMENT ON COLUMN motcua.closing_reason_sums.reason IS 'Reason why the messages were in that state.';
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
COMMENT ON TABLE motcua.counted_occasions IS 'Working table: the occasions of one period in the sources'' own tables, while a closing compares them with the messages. The table is emptied afterwards. Its rows are not facts of the ledger.';
COMMENT ON COLUMN motcua.counted_occasions.occasion_no IS 'Our number of the occasion.';
COMMENT ON COLUMN motcua.counted_occasions.source_id IS 'The source in whose tables the occasion was counted.';
COMMENT ON COLUMN motcua.counted_occasions.agency_written IS 'Agency code as the source writes it.';
COMMENT ON COLUMN motcua.counted_occasions.dossier_code IS 'Dossier code as the source writes it.';
COMMENT ON COLUMN motcua.counted_occasions.procedure_code IS 'Procedure that the source gives for the dossier now.';
COMMENT ON COLUMN motcua.counted_occasions.kind IS 'Kind of message that the occasion calls for.';
COMMENT ON COLUMN motcua.counted_occasions.numbers IS 'The source''s numbers of the occasion''s transitions; an empty list: only the dossier''s row shows the occasion.';
COMMENT ON COLUMN motcua.counted_occasions.due_day IS 'Due day of the dossier, if the occasion calls for an apology.';
COMMENT ON COLUMN motcua.counted_occasions.occurred_at IS 'When the occasion happened by the source''s data; for an apology, the time at which it was to be planned.';
COMMENT ON COLUMN motcua.counted_occasions.recorded_at IS 'When the source recorded the occasion; for an apology, the time at which it was to be planned.';
