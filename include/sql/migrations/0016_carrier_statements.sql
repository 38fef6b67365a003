-- depends: 0015_complaints
-- The provider's monthly statement (bảng kê) held against our attempts and inquiries, line by line. A phone number of a
-- statement serves while the file is read and is not kept, in no form.

CREATE TABLE motcua.carrier_statements (
    statement_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    form text NOT NULL CHECK (form ~ '^[a-z0-9_]+$'),
    gateway text NOT NULL CHECK (gateway ~ '^[a-z0-9_]+$'),
    month date NOT NULL CHECK (extract(DAY FROM month) = 1),
    covers_until timestamptz NOT NULL,
    file_name text NOT NULL CHECK (btrim(file_name) <> ''),
    sha256 text NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL CHECK (btrim(imported_by) <> ''),
    terms jsonb NOT NULL,
    lines integer NOT NULL CHECK (lines >= 0),
    segments bigint NOT NULL CHECK (segments >= 0),
    amount numeric(16, 2) NOT NULL CHECK (amount >= 0),
    inquiries bigint NOT NULL CHECK (inquiries >= 0),
    revenue numeric(16, 2) NOT NULL CHECK (revenue >= 0),
    supersedes bigint UNIQUE REFERENCES motcua.carrier_statements,
    CHECK (supersedes < statement_no)
);
CREATE UNIQUE INDEX carrier_statements_first ON motcua.carrier_statements (form, month) WHERE supersedes IS NULL;
COMMENT ON TABLE motcua.carrier_statements IS 'Providers'' monthly statements as imported, append-only: a corrected file is a statement of its own that supersedes the one before.';
COMMENT ON COLUMN motcua.carrier_statements.statement_no IS 'Our number.';
COMMENT ON COLUMN motcua.carrier_statements.form IS 'Form that it was read by: include/statements/<form>.yaml.';
COMMENT ON COLUMN motcua.carrier_statements.gateway IS 'Gateway that it bills.';
COMMENT ON COLUMN motcua.carrier_statements.month IS 'First day of the month that it bills, by the clock of Vietnam.';
COMMENT ON COLUMN motcua.carrier_statements.covers_until IS 'What we sent from then on is not missed in it: the month''s end; earlier where the month was not over when it was imported.';
COMMENT ON COLUMN motcua.carrier_statements.file_name IS 'Name of the file.';
COMMENT ON COLUMN motcua.carrier_statements.sha256 IS 'SHA-256 of the file: it is imported once.';
COMMENT ON COLUMN motcua.carrier_statements.imported_at IS 'When; what we knew of our messages then is what the lines were held against.';
COMMENT ON COLUMN motcua.carrier_statements.imported_by IS 'Who, or which run.';
COMMENT ON COLUMN motcua.carrier_statements.terms IS 'The form as it was then: headings of the columns, agreed prices, share and tolerance.';
COMMENT ON COLUMN motcua.carrier_statements.lines IS 'Lines kept, messages and inquiries.';
COMMENT ON COLUMN motcua.carrier_statements.segments IS 'Segments billed.';
COMMENT ON COLUMN motcua.carrier_statements.amount IS 'Đồng billed for them.';
COMMENT ON COLUMN motcua.carrier_statements.inquiries IS 'Inquiries to 9029 in it.';
COMMENT ON COLUMN motcua.carrier_statements.revenue IS 'Đồng that it owes us for them.';
COMMENT ON COLUMN motcua.carrier_statements.supersedes IS 'The statement of the same form and month that it corrects.';

-- Lines and matches are written with their statement and never changed: a million times looking up the same row, or the
-- row that was written a moment before, would only make an import twice as long.
CREATE TABLE motcua.statement_lines (
    statement_no bigint NOT NULL,
    direction text NOT NULL CHECK (direction IN ('mt', 'mo')),
    line_no integer NOT NULL CHECK (line_no > 0),
    reference text,
    gateway_reference text,
    sent_at timestamptz NOT NULL,
    segments integer NOT NULL CHECK (segments >= 0),
    price numeric(14, 4),
    amount numeric(16, 2),
    carrier text,
    status text CHECK (status IN ('accepted', 'delivered', 'undelivered')),
    billed boolean NOT NULL,
    PRIMARY KEY (statement_no, direction, line_no)
);
COMMENT ON TABLE motcua.statement_lines IS 'Lines of statements, append-only, without the phone numbers that they name.';
COMMENT ON COLUMN motcua.statement_lines.statement_no IS 'The statement.';
COMMENT ON COLUMN motcua.statement_lines.direction IS 'mt: a message that was sent; mo: an inquiry to 9029.';
COMMENT ON COLUMN motcua.statement_lines.line_no IS 'Row in the sheet, as a spreadsheet counts.';
COMMENT ON COLUMN motcua.statement_lines.reference IS 'Our reference, as the provider gives it back.';
COMMENT ON COLUMN motcua.statement_lines.gateway_reference IS 'The provider''s own reference.';
COMMENT ON COLUMN motcua.statement_lines.sent_at IS 'When, by the provider''s clock.';
COMMENT ON COLUMN motcua.statement_lines.segments IS 'SMS segments.';
COMMENT ON COLUMN motcua.statement_lines.price IS 'Đồng a segment.';
COMMENT ON COLUMN motcua.statement_lines.amount IS 'Đồng.';
COMMENT ON COLUMN motcua.statement_lines.carrier IS 'The phone''s carrier, by our names.';
COMMENT ON COLUMN motcua.statement_lines.status IS 'What became of it, by the provider.';
COMMENT ON COLUMN motcua.statement_lines.billed IS 'It costs money: its amount is not zero, or, without amounts, it is of a status that is billed.';

CREATE TABLE motcua.statement_matches (
    match_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    statement_no bigint NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('exact', 'partial', 'theirs_only', 'ours_only')),
    direction text NOT NULL CHECK (direction IN ('mt', 'mo')),
    line_no integer,
    attempt_id bigint REFERENCES motcua.attempts,
    inquiry_id bigint REFERENCES motcua.inquiries,
    matched_by text CHECK (matched_by IN ('reference', 'gateway_reference', 'number_and_time')),
    differs text[] NOT NULL CHECK (differs <@ ARRAY[
        'segments', 'amount', 'status', 'time', 'month', 'repeated'
    ]),
    segments integer,
    amount numeric(16, 2),
    UNIQUE (statement_no, direction, line_no),
    UNIQUE (attempt_id, statement_no),
    CHECK (direction = 'mt' OR attempt_id IS NULL),
    CHECK (direction = 'mo' OR inquiry_id IS NULL),
    CHECK ((verdict IN ('exact', 'partial')) = (matched_by IS NOT NULL)),
    CHECK ((verdict = 'ours_only') = (line_no IS NULL)),
    CHECK ((verdict = 'theirs_only') = (num_nonnulls(attempt_id, inquiry_id) = 0)),
    CHECK (CASE verdict WHEN 'exact' THEN differs = '{}' WHEN 'partial' THEN differs <> '{}' ELSE TRUE END)
);
CREATE UNIQUE INDEX statement_matches_inquiry ON motcua.statement_matches (inquiry_id, statement_no)
WHERE inquiry_id IS NOT NULL;
CREATE INDEX statement_matches_verdict ON motcua.statement_matches (statement_no, verdict) WHERE verdict <> 'exact';
COMMENT ON TABLE motcua.statement_matches IS 'Each line of a statement with the attempt or inquiry that it bills, and what of ours no line bills; append-only.';
COMMENT ON COLUMN motcua.statement_matches.match_id IS 'Our number.';
COMMENT ON COLUMN motcua.statement_matches.statement_no IS 'The statement.';
COMMENT ON COLUMN motcua.statement_matches.verdict IS 'exact; partial (matched, something differs); theirs_only (billed, not ours); ours_only (taken from us, not billed).';
COMMENT ON COLUMN motcua.statement_matches.direction IS 'mt: a message that was sent; mo: an inquiry to 9029.';
COMMENT ON COLUMN motcua.statement_matches.line_no IS 'The line; empty for ours_only.';
COMMENT ON COLUMN motcua.statement_matches.attempt_id IS 'The attempt.';
COMMENT ON COLUMN motcua.statement_matches.inquiry_id IS 'The inquiry.';
COMMENT ON COLUMN motcua.statement_matches.matched_by IS 'Our reference, the provider''s, or the number with a time within the tolerance.';
COMMENT ON COLUMN motcua.statement_matches.differs IS 'What differs: segments, amount, status, time, month; repeated: of theirs_only, billed a second time; of ours_only, month: so near the month''s end that it may stand in the next statement.';
COMMENT ON COLUMN motcua.statement_matches.segments IS 'Segments by our ledger, 0 where it would not be billed; empty for theirs_only.';
COMMENT ON COLUMN motcua.statement_matches.amount IS 'Đồng by our ledger and the agreed prices; empty for theirs_only and where no price is agreed.';

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.carrier_statements
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.statement_lines
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.statement_matches
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
GRANT SELECT, INSERT ON motcua.carrier_statements, motcua.statement_lines, motcua.statement_matches TO motcua_app;

-- Where one file at a time is matched; filled and emptied in one transaction, so that nobody else ever sees a number.
CREATE SCHEMA statements;
COMMENT ON SCHEMA statements IS 'Where a statement is matched, empty between two transactions.';

CREATE UNLOGGED TABLE statements.lines (
    direction text NOT NULL,
    line_no integer NOT NULL,
    reference text,
    gateway_reference text,
    msisdn text,
    sent_at timestamptz NOT NULL,
    segments integer NOT NULL,
    price numeric(14, 4),
    amount numeric(16, 2),
    carrier text,
    status text,
    billed boolean NOT NULL
);
-- Else ANALYZE would keep samples of the numbers among the planner's figures.
ALTER TABLE statements.lines ALTER COLUMN msisdn SET STATISTICS 0;
COMMENT ON TABLE statements.lines IS 'Lines of the file that is being matched.';
COMMENT ON COLUMN statements.lines.direction IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.line_no IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.reference IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.gateway_reference IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.msisdn IS 'Number, E.164. Personal data, gone at the end of the transaction.';
COMMENT ON COLUMN statements.lines.sent_at IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.segments IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.price IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.amount IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.carrier IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.status IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.billed IS 'As in statement_lines.';

CREATE UNLOGGED TABLE statements.ours (
    direction text NOT NULL,
    our_id bigint NOT NULL,
    reference text,
    gateway_reference text,
    msisdn text,
    at timestamptz NOT NULL,
    segments integer NOT NULL,
    state text,
    carrier text,
    taken boolean NOT NULL,
    in_month boolean NOT NULL,
    covered boolean NOT NULL,
    billed_before boolean NOT NULL
);
ALTER TABLE statements.ours ALTER COLUMN msisdn SET STATISTICS 0;
COMMENT ON TABLE statements.ours IS 'Attempts and inquiries that the file may bill.';
COMMENT ON COLUMN statements.ours.direction IS 'As in statement_lines.';
COMMENT ON COLUMN statements.ours.our_id IS 'The attempt or the inquiry.';
COMMENT ON COLUMN statements.ours.reference IS 'Our reference.';
COMMENT ON COLUMN statements.ours.gateway_reference IS 'The provider''s reference.';
COMMENT ON COLUMN statements.ours.msisdn IS 'Number, E.164. Personal data, gone at the end of the transaction.';
COMMENT ON COLUMN statements.ours.at IS 'When it was sent or received.';
COMMENT ON COLUMN statements.ours.segments IS 'Segments.';
COMMENT ON COLUMN statements.ours.state IS 'State of the attempt; empty for an inquiry.';
COMMENT ON COLUMN statements.ours.carrier IS 'Carrier that the number''s block was given to.';
COMMENT ON COLUMN statements.ours.taken IS 'The gateway took it, by our ledger.';
COMMENT ON COLUMN statements.ours.in_month IS 'Within the month.';
COMMENT ON COLUMN statements.ours.covered IS 'Before covers_until.';
COMMENT ON COLUMN statements.ours.billed_before IS 'A statement of another month, or of another form, that is not superseded bills it.';

CREATE UNLOGGED TABLE statements.pairs (
    direction text NOT NULL,
    line_no integer NOT NULL,
    our_id bigint NOT NULL,
    matched_by text NOT NULL,
    repeated boolean NOT NULL
);
COMMENT ON TABLE statements.pairs IS 'Lines that were matched so far.';
COMMENT ON COLUMN statements.pairs.direction IS 'As in statement_lines.';
COMMENT ON COLUMN statements.pairs.line_no IS 'The line.';
COMMENT ON COLUMN statements.pairs.our_id IS 'The attempt or the inquiry.';
COMMENT ON COLUMN statements.pairs.matched_by IS 'As in statement_matches.';
COMMENT ON COLUMN statements.pairs.repeated IS 'Another line, or another statement, bills it already.';

CREATE FUNCTION statements.clear() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, statements AS $$
    TRUNCATE statements.lines, statements.ours, statements.pairs
$$;
COMMENT ON FUNCTION statements.clear() IS 'Empties the schema; whoever comes second waits until the first one''s transaction ended.';
CREATE FUNCTION statements.look_at(table_name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, statements AS $$
BEGIN
    EXECUTE format('ANALYZE statements.%I', table_name);
END
$$;
COMMENT ON FUNCTION statements.look_at(text) IS 'Has the planner know how much is in a table that was just filled.';

GRANT USAGE ON SCHEMA statements TO motcua_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA statements TO motcua_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA statements TO motcua_app;

CREATE VIEW audit.carrier_statements AS
SELECT
    s.statement_no, s.form, s.gateway, s.month, s.covers_until, s.file_name, s.sha256, s.imported_at, s.imported_by,
    s.terms, s.lines, s.segments, s.amount, s.inquiries, s.revenue, s.supersedes,
    NOT EXISTS (SELECT 1 FROM motcua.carrier_statements AS l WHERE l.supersedes = s.statement_no) AS in_force
FROM motcua.carrier_statements AS s;
CREATE VIEW audit.statement_lines AS
SELECT
    statement_no, direction, line_no, reference, gateway_reference, sent_at, segments, price, amount, carrier, status,
    billed
FROM motcua.statement_lines;
CREATE VIEW audit.statement_matches AS
SELECT
    match_id, statement_no, verdict, direction, line_no, attempt_id, inquiry_id, matched_by, differs, segments, amount
FROM motcua.statement_matches;
GRANT SELECT ON audit.carrier_statements, audit.statement_lines, audit.statement_matches TO motcua_audit, motcua_app;
