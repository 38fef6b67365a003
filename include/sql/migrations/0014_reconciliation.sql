-- depends: 0013_report_mails
-- Reconciliation: closings of days and months with the figures they fixed, and what did not meet the sources.

CREATE TABLE motcua.closings (
    closing_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    period text NOT NULL CHECK (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?$'),
    corrects bigint UNIQUE REFERENCES motcua.closings,
    run_id text NOT NULL CHECK (btrim(run_id) <> ''),
    as_of timestamptz NOT NULL,
    known_version bigint NOT NULL,
    known_transition bigint NOT NULL,
    known_history bigint NOT NULL,
    known_message bigint NOT NULL,
    known_inquiry bigint NOT NULL,
    known_receipt bigint NOT NULL,
    data_as_of timestamptz,
    sources_unread text[] NOT NULL DEFAULT '{}',
    segment_price integer CHECK (segment_price >= 0),
    figures_hash text NOT NULL CHECK (figures_hash ~ '^[0-9a-f]{64}$'),
    difference bigint NOT NULL,
    unexplained integer NOT NULL CHECK (unexplained >= 0),
    closed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- A period has one first closing; each other one corrects the one before, and none is corrected twice.
CREATE UNIQUE INDEX closings_first ON motcua.closings (period) WHERE corrects IS NULL;
CREATE INDEX closings_period ON motcua.closings (period, closing_no);
COMMENT ON TABLE motcua.closings IS 'Closings of a day or a month, append-only; what arrives later is seen in a correction of the closed period.';
COMMENT ON COLUMN motcua.closings.closing_no IS 'Our number, growing.';
COMMENT ON COLUMN motcua.closings.period IS 'The day (2026-11-24) or month (2026-11), by the calendar of Vietnam.';
COMMENT ON COLUMN motcua.closings.corrects IS 'The closing of the same period that this one corrects; empty: the first one.';
COMMENT ON COLUMN motcua.closings.run_id IS 'DAG run, or the name of a run started by hand.';
COMMENT ON COLUMN motcua.closings.as_of IS 'The cut-off: what the ledger did not hold by then is not counted.';
COMMENT ON COLUMN motcua.closings.known_version IS 'Largest version of a dossier''s row that counts.';
COMMENT ON COLUMN motcua.closings.known_transition IS 'Largest transition that counts.';
COMMENT ON COLUMN motcua.closings.known_history IS 'Largest move of a message that counts.';
COMMENT ON COLUMN motcua.closings.known_message IS 'All messages up to this one count; of later ones a few may.';
COMMENT ON COLUMN motcua.closings.known_inquiry IS 'Largest inquiry that counts.';
COMMENT ON COLUMN motcua.closings.known_receipt IS 'Largest receipt that counts.';
COMMENT ON COLUMN motcua.closings.data_as_of IS 'When the sources had last been read, the oldest of them; empty: never.';
COMMENT ON COLUMN motcua.closings.sources_unread IS 'Sources that could not be asked for their own count.';
COMMENT ON COLUMN motcua.closings.segment_price IS 'Đồng that a segment was taken to cost; empty: not known.';
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
COMMENT ON COLUMN motcua.closing_messages.segments IS 'SMS segments of the messages that a gateway took.';

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

CREATE VIEW motcua.agency_scopes AS
SELECT g.agency_code AS written, g.agency_code, g.enabled_from
FROM motcua.agencies AS g
UNION ALL
SELECT a.alias, a.agency_code, n.enabled_from
FROM motcua.agency_aliases AS a
INNER JOIN motcua.agencies AS n ON a.agency_code = n.agency_code;
COMMENT ON VIEW motcua.agency_scopes IS 'Every code under which a source may know an agency, and from when on its dossiers are told of.';
GRANT SELECT ON motcua.agency_scopes TO motcua_app;

CREATE FUNCTION motcua.empty_counted_occasions() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    TRUNCATE motcua.counted_occasions
$$;
COMMENT ON FUNCTION motcua.empty_counted_occasions() IS 'Makes room for the next comparison.';
CREATE FUNCTION motcua.look_at_counted_occasions() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    ANALYZE motcua.counted_occasions
$$;
COMMENT ON FUNCTION motcua.look_at_counted_occasions() IS 'Tells the planner what the comparison holds.';
REVOKE EXECUTE ON FUNCTION motcua.empty_counted_occasions(), motcua.look_at_counted_occasions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION motcua.empty_counted_occasions(), motcua.look_at_counted_occasions() TO motcua_app;

-- A message's changed_at and its history tell the same moment, so that a time to delivery is the same by either.
CREATE OR REPLACE FUNCTION motcua.keep_message_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO motcua.message_history (message_id, changed_at, to_state, to_reason)
        VALUES (NEW.message_id, NEW.changed_at, NEW.state, NEW.reason);
    ELSIF NEW.state <> OLD.state THEN
        INSERT INTO motcua.message_history (message_id, changed_at, from_state, from_reason, to_state, to_reason)
        VALUES (NEW.message_id, NEW.changed_at, OLD.state, OLD.reason, NEW.state, NEW.reason);
    ELSIF NEW.reason IS DISTINCT FROM OLD.reason THEN
        INSERT INTO motcua.message_history (message_id, from_state, from_reason, to_state, to_reason)
        VALUES (NEW.message_id, OLD.state, OLD.reason, NEW.state, NEW.reason);
    END IF;
    RETURN NEW;
END
$$;

-- In the schema of the auditors, on views that hold no personal data: whoever recomputes a figure reads the same.
CREATE FUNCTION audit.messages_as_of(known_history bigint)
RETURNS TABLE (
    message_id bigint, kind text, dossier_id bigint, agency_code text, procedure_code text, occasion text,
    transition_id bigint, state text, reason text, segments smallint, recorded_at timestamptz, moved_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        m.message_id,
        m.kind,
        m.dossier_id,
        coalesce(m.agency_code, ''),
        coalesce(m.procedure_code, ''),
        m.occasion,
        m.transition_id,
        CASE WHEN n.message_id IS NULL THEN m.state ELSE n.from_state END,
        CASE WHEN n.message_id IS NULL THEN m.reason ELSE n.from_reason END,
        m.segments,
        m.recorded_at,
        CASE
            WHEN n.message_id IS NULL THEN m.changed_at
            ELSE (
                SELECT max(h.changed_at) FROM audit.message_history AS h
                WHERE h.message_id = m.message_id AND h.history_id <= known_history
                AND h.from_state IS DISTINCT FROM h.to_state
            )
        END
    FROM audit.messages AS m
    LEFT JOIN (
        SELECT DISTINCT ON (l.message_id) l.message_id, l.from_state, l.from_reason
        FROM audit.message_history AS l
        WHERE l.history_id > known_history
        ORDER BY l.message_id, l.history_id
    ) AS n ON m.message_id = n.message_id
    WHERE n.message_id IS NULL OR n.from_state IS NOT NULL
$$;
COMMENT ON FUNCTION audit.messages_as_of(bigint)
IS 'Every message as it stood after a move of message_history: its state, and when it had reached it.';

CREATE FUNCTION audit.dossiers_as_of(known_version bigint)
RETURNS TABLE (
    dossier_id bigint, source_id smallint, agency_code text, dossier_code text, procedure_code text, submitted_via text,
    received_at timestamptz, due_at timestamptz, status_code smallint, finished_at timestamptz, returned_at timestamptz,
    updated_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        d.dossier_id, d.source_id, d.agency_code, d.dossier_code, coalesce(d.procedure_code, ''), d.submitted_via,
        d.received_at, d.due_at, d.status_code, d.finished_at, d.returned_at, d.updated_at
    FROM audit.dossiers AS d
    WHERE NOT EXISTS (
        SELECT 1 FROM audit.dossier_versions AS v WHERE v.version_id > known_version AND v.dossier_id = d.dossier_id
    )
    UNION ALL
    SELECT
        d.dossier_id, d.source_id, d.agency_code, d.dossier_code, coalesce(o.procedure_code, ''), d.submitted_via,
        o.received_at, o.due_at, o.status_code, o.finished_at, o.returned_at, o.updated_at
    FROM (
        SELECT DISTINCT v.dossier_id FROM audit.dossier_versions AS v WHERE v.version_id > known_version
    ) AS n
    INNER JOIN audit.dossiers AS d ON n.dossier_id = d.dossier_id
    CROSS JOIN LATERAL (
        SELECT l.* FROM audit.dossier_versions AS l
        WHERE l.dossier_id = n.dossier_id AND l.version_id <= known_version
        ORDER BY l.version_id DESC
        LIMIT 1
    ) AS o
$$;
COMMENT ON FUNCTION audit.dossiers_as_of(bigint)
IS 'Every dossier''s row as it had last been read at a version.';

CREATE FUNCTION audit.dossier_as_of(
    of_dossier bigint, moment timestamptz, known_version bigint, known_transition bigint
)
RETURNS TABLE (due_at timestamptz, received_at timestamptz, status_code smallint, handed_over boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT * FROM motcua.dossier_as_of(of_dossier, moment, known_version, known_transition)
$$;
COMMENT ON FUNCTION audit.dossier_as_of(bigint, timestamptz, bigint, bigint)
IS 'motcua.dossier_as_of for those who may read the facts only.';

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_dossiers
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_messages
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_reasons
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_timings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_agencies
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_differences
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_orphans
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.closing_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

CREATE VIEW audit.sources AS SELECT source_id, name, picked_up_at, failed_at FROM motcua.sources;
CREATE VIEW audit.closings AS SELECT * FROM motcua.closings;
CREATE VIEW audit.closing_dossiers AS SELECT * FROM motcua.closing_dossiers;
CREATE VIEW audit.closing_messages AS SELECT * FROM motcua.closing_messages;
CREATE VIEW audit.closing_reasons AS SELECT * FROM motcua.closing_reasons;
CREATE VIEW audit.closing_timings AS SELECT * FROM motcua.closing_timings;
CREATE VIEW audit.closing_agencies AS SELECT * FROM motcua.closing_agencies;
CREATE VIEW audit.closing_differences AS SELECT * FROM motcua.closing_differences;
CREATE VIEW audit.closing_orphans AS SELECT * FROM motcua.closing_orphans;
CREATE VIEW audit.closing_changes AS SELECT * FROM motcua.closing_changes;

GRANT SELECT, INSERT ON
motcua.closings, motcua.closing_dossiers, motcua.closing_messages, motcua.closing_reasons, motcua.closing_timings,
motcua.closing_agencies, motcua.closing_differences, motcua.closing_orphans, motcua.closing_changes TO motcua_app;
GRANT SELECT ON
audit.sources, audit.closings, audit.closing_dossiers, audit.closing_messages, audit.closing_reasons, audit.closing_timings,
audit.closing_agencies, audit.closing_differences, audit.closing_orphans, audit.closing_changes
TO motcua_audit, motcua_app;
GRANT SELECT, INSERT ON motcua.counted_occasions TO motcua_app;
