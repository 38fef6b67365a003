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
COMMENT ON COLUMN motcua.statement_lines.reference IS 'Our reference, as the provider gives it back; numbers in it are masked.';
COMMENT ON COLUMN motcua.statement_lines.gateway_reference IS 'The provider''s own reference; numbers in it are masked.';
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
    differs text[] NOT NULL
    CHECK (differs <@ ARRAY[
        'number', 'segments', 'amount', 'status', 'time', 'month', 'repeated'
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
-- Rows of a verdict in the order in which they are shown, also deep in them.
CREATE INDEX statement_matches_shown ON motcua.statement_matches (
    statement_no, verdict, (line_no IS NULL), direction DESC, line_no, match_id
);
COMMENT ON TABLE motcua.statement_matches IS 'Each line of a statement with the attempt or inquiry that it bills, and what of ours no line bills; append-only.';
COMMENT ON COLUMN motcua.statement_matches.match_id IS 'Our number.';
COMMENT ON COLUMN motcua.statement_matches.statement_no IS 'The statement.';
COMMENT ON COLUMN motcua.statement_matches.verdict IS 'exact; partial (matched, something differs); theirs_only (billed, not ours); ours_only (taken from us, not billed).';
COMMENT ON COLUMN motcua.statement_matches.direction IS 'mt: a message that was sent; mo: an inquiry to 9029.';
COMMENT ON COLUMN motcua.statement_matches.line_no IS 'The line; empty for ours_only.';
COMMENT ON COLUMN motcua.statement_matches.attempt_id IS 'The attempt.';
COMMENT ON COLUMN motcua.statement_matches.inquiry_id IS 'The inquiry.';
COMMENT ON COLUMN motcua.statement_matches.matched_by IS 'Our reference, the provider''s, or the number with a time within the tolerance.';
COMMENT ON COLUMN motcua.statement_matches.differs IS 'What differs: number (billed to another phone than ours went to), segments, amount, status, time, month; repeated: of theirs_only, billed a second time; of ours_only, month: so near the month''s end that it may stand in the next statement.';
COMMENT ON COLUMN motcua.statement_matches.segments IS 'Segments by our ledger, 0 where it would not be billed; empty for theirs_only.';
COMMENT ON COLUMN motcua.statement_matches.amount IS 'Đồng by our ledger and the agreed prices; empty for theirs_only and where no price is agreed.';

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

-- Kept until a good file replaces them.
CREATE TABLE motcua.refused_statements (
    refusal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    form text NOT NULL,
    month date CHECK (extract(DAY FROM month) = 1),
    file_name text NOT NULL CHECK (btrim(file_name) <> ''),
    sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    refused_at timestamptz NOT NULL,
    refused_by text NOT NULL CHECK (btrim(refused_by) <> ''),
    faults integer NOT NULL CHECK (faults > 0),
    message text NOT NULL CHECK (btrim(message) <> ''),
    set_aside_at timestamptz,
    set_aside_by text CHECK (btrim(set_aside_by) <> ''),
    set_aside_reason text CHECK (char_length(set_aside_reason) BETWEEN 1 AND 2000),
    CHECK (num_nonnulls(set_aside_at, set_aside_by, set_aside_reason) IN (0, 3))
);
CREATE INDEX refused_statements_file ON motcua.refused_statements (form, file_name, refusal_no);
COMMENT ON TABLE motcua.refused_statements IS 'Files that were to be statements and were refused, each time that they were; kept for good.';
COMMENT ON COLUMN motcua.refused_statements.refusal_no IS 'Our number.';
COMMENT ON COLUMN motcua.refused_statements.form IS 'Form that it was read by, as the folder that it lay in is named; empty: it lay in none.';
COMMENT ON COLUMN motcua.refused_statements.month IS 'First day of the month that it is about; empty where that could not be read.';
COMMENT ON COLUMN motcua.refused_statements.file_name IS 'Name of the file.';
COMMENT ON COLUMN motcua.refused_statements.sha256 IS 'SHA-256 of the file; empty where it was not read.';
COMMENT ON COLUMN motcua.refused_statements.refused_at IS 'When.';
COMMENT ON COLUMN motcua.refused_statements.refused_by IS 'Who was importing it, or which run.';
COMMENT ON COLUMN motcua.refused_statements.faults IS 'How much is wrong, as far as it was counted.';
COMMENT ON COLUMN motcua.refused_statements.message IS 'What is wrong, by line and column, in Vietnamese. It may quote a word of the file, never a number.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_at IS 'When somebody said that nothing is to be done about it.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_by IS 'Who.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_reason IS 'Why.';

CREATE TABLE motcua.statement_uploads (
    upload_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    form text NOT NULL CHECK (form ~ '^[a-z0-9_]+$'),
    month date NOT NULL CHECK (extract(DAY FROM month) = 1),
    file_name text NOT NULL CHECK (btrim(file_name) <> ''),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    uploaded_at timestamptz NOT NULL,
    uploaded_by text NOT NULL CHECK (btrim(uploaded_by) <> '')
);
CREATE INDEX statement_uploads_of_file ON motcua.statement_uploads (sha256, form);
COMMENT ON TABLE motcua.statement_uploads IS 'Each statement that was put into its folder by the page, after what was read in it was confirmed; the file itself is read by a run as any other of the folder. Append-only.';
COMMENT ON COLUMN motcua.statement_uploads.upload_no IS 'Our number.';
COMMENT ON COLUMN motcua.statement_uploads.form IS 'The form: the folder into which it was put.';
COMMENT ON COLUMN motcua.statement_uploads.month IS 'First day of the month that it is of.';
COMMENT ON COLUMN motcua.statement_uploads.file_name IS 'Its name in the folder, which tells the month.';
COMMENT ON COLUMN motcua.statement_uploads.sha256 IS 'SHA-256 of the file, hexadecimal.';
COMMENT ON COLUMN motcua.statement_uploads.uploaded_at IS 'When it was confirmed.';
COMMENT ON COLUMN motcua.statement_uploads.uploaded_by IS 'Who did it. Personal data of staff.';

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
