-- depends: 0037_personal_data
-- What pages tell of a closing and of a statement, added up once: both never change. Those that are there already are
-- added up here, later ones in the transaction that writes them.

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
INSERT INTO motcua.closing_message_sums (
    closing_no, agency_code, kind, balances, cells, at_source, out_of_scope, only_source, only_ledger, suppressed,
    cancelled, expired, queued, sending, unknown, rejected, accepted, delivered, undelivered, unconfirmed, segments
)
SELECT
    c.closing_no, c.agency_code, c.kind, c.difference = 0, count(*),
    sum(c.at_source), sum(c.out_of_scope), sum(c.only_source), sum(c.only_ledger), sum(c.suppressed), sum(c.cancelled),
    sum(c.expired), sum(c.queued), sum(c.sending), sum(c.unknown), sum(c.rejected), sum(c.accepted), sum(c.delivered),
    sum(c.undelivered), sum(c.unconfirmed), sum(c.segments)
FROM motcua.closing_messages AS c
GROUP BY c.closing_no, c.agency_code, c.kind, c.difference = 0;
-- Few: each is told by itself.
CREATE INDEX closing_messages_unbalanced ON motcua.closing_messages (closing_no) WHERE difference <> 0;

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
INSERT INTO motcua.closing_dossier_sums (
    closing_no, agency_code, cells, carried_over, received, received_online, received_postal, resolved_early,
    resolved_on_time, resolved_late, resolved_without_due, withdrawn, open_in_time, open_late, paused_in_time,
    paused_late, due, handed_over
)
SELECT
    c.closing_no, c.agency_code, count(*),
    sum(c.carried_over), sum(c.received), sum(c.received_online), sum(c.received_postal), sum(c.resolved_early),
    sum(c.resolved_on_time), sum(c.resolved_late), sum(c.resolved_without_due), sum(c.withdrawn), sum(c.open_in_time),
    sum(c.open_late), sum(c.paused_in_time), sum(c.paused_late), sum(c.due), sum(c.handed_over)
FROM motcua.closing_dossiers AS c
GROUP BY c.closing_no, c.agency_code;

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
INSERT INTO motcua.closing_reason_sums (closing_no, agency_code, kind, state, reason, messages)
SELECT c.closing_no, c.agency_code, c.kind, c.state, c.reason, sum(c.messages)
FROM motcua.closing_reasons AS c
GROUP BY c.closing_no, c.agency_code, c.kind, c.state, c.reason;

CREATE TABLE motcua.statement_sums (
    statement_no bigint NOT NULL REFERENCES motcua.carrier_statements,
    direction text NOT NULL,
    verdict text NOT NULL,
    matches bigint NOT NULL CHECK (matches > 0),
    their_segments bigint NOT NULL,
    their_amount numeric NOT NULL,
    our_segments bigint NOT NULL,
    our_amount numeric NOT NULL,
    segments_off bigint NOT NULL,
    amount_off numeric NOT NULL,
    PRIMARY KEY (statement_no, direction, verdict)
);
COMMENT ON TABLE motcua.statement_sums IS 'Sums of statement_matches by direction and verdict; append-only. A statement that has none is to be added up.';
COMMENT ON COLUMN motcua.statement_sums.statement_no IS 'The statement.';
COMMENT ON COLUMN motcua.statement_sums.direction IS 'mt: messages that were sent; mo: inquiries to 9029.';
COMMENT ON COLUMN motcua.statement_sums.verdict IS 'As in statement_matches.';
COMMENT ON COLUMN motcua.statement_sums.matches IS 'How many.';
COMMENT ON COLUMN motcua.statement_sums.their_segments IS 'Segments that the statement bills.';
COMMENT ON COLUMN motcua.statement_sums.their_amount IS 'Đồng that it bills for them.';
COMMENT ON COLUMN motcua.statement_sums.our_segments IS 'Segments by our ledger.';
COMMENT ON COLUMN motcua.statement_sums.our_amount IS 'Đồng by our ledger and the agreed prices.';
COMMENT ON COLUMN motcua.statement_sums.segments_off IS 'By how many both sides differ, without cancelling out, but for what may stand in the next statement.';
COMMENT ON COLUMN motcua.statement_sums.amount_off IS 'Likewise of đồng, where a price is agreed.';
INSERT INTO motcua.statement_sums (
    statement_no, direction, verdict, matches, their_segments, their_amount, our_segments, our_amount, segments_off,
    amount_off
)
SELECT
    m.statement_no, m.direction, m.verdict, count(*), coalesce(sum(m.theirs), 0), coalesce(sum(m.their_amount), 0),
    coalesce(sum(m.segments), 0), coalesce(sum(m.amount), 0),
    coalesce(sum(abs(m.theirs - coalesce(m.segments, 0))) FILTER (WHERE m.counts), 0),
    coalesce(sum(abs(m.their_amount - coalesce(m.amount, 0))) FILTER (WHERE m.counts AND m.priced), 0)
FROM (
    SELECT
        x.statement_no, x.direction, x.verdict, x.segments, x.amount,
        CASE WHEN l.billed THEN l.segments ELSE 0 END AS theirs,
        coalesce(l.amount, 0) AS their_amount,
        x.verdict <> 'ours_only' OR x.differs = '{}' AS counts,
        x.verdict = 'theirs_only' OR x.amount IS NOT NULL AS priced
    FROM motcua.statement_matches AS x
    LEFT JOIN motcua.statement_lines AS l
        ON x.statement_no = l.statement_no AND x.direction = l.direction AND x.line_no = l.line_no
) AS m
GROUP BY m.statement_no, m.direction, m.verdict;

CREATE TABLE motcua.statement_difference_sums (
    statement_no bigint NOT NULL REFERENCES motcua.carrier_statements,
    direction text NOT NULL,
    verdict text NOT NULL,
    what text NOT NULL,
    matches bigint NOT NULL CHECK (matches > 0),
    PRIMARY KEY (statement_no, direction, verdict, what)
);
COMMENT ON TABLE motcua.statement_difference_sums IS 'Sums of statement_matches by what differs: a match counts once for each; append-only. A statement that has none is to be added up.';
COMMENT ON COLUMN motcua.statement_difference_sums.statement_no IS 'The statement.';
COMMENT ON COLUMN motcua.statement_difference_sums.direction IS 'mt: messages that were sent; mo: inquiries to 9029.';
COMMENT ON COLUMN motcua.statement_difference_sums.verdict IS 'As in statement_matches.';
COMMENT ON COLUMN motcua.statement_difference_sums.what IS 'What differs, as in statement_matches.';
COMMENT ON COLUMN motcua.statement_difference_sums.matches IS 'How many.';
INSERT INTO motcua.statement_difference_sums (statement_no, direction, verdict, what, matches)
SELECT m.statement_no, m.direction, m.verdict, d.what, count(*)
FROM motcua.statement_matches AS m
CROSS JOIN LATERAL unnest(m.differs) AS d (what)
WHERE m.verdict <> 'exact'
GROUP BY m.statement_no, m.direction, m.verdict, d.what;

-- Rows of a verdict in the order in which they are shown, also deep in them.
CREATE INDEX statement_matches_shown ON motcua.statement_matches (
    statement_no, verdict, (line_no IS NULL), direction DESC, line_no, match_id
);
