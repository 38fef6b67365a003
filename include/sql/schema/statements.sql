-- Carrier statements (bảng kê), the providers' monthly bills, compared line by line with the ledger's attempts and
-- inquiries. A phone number in a file is used while the file is read and is not stored in any form.

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
COMMENT ON TABLE motcua.carrier_statements IS 'Carrier statements as imported, append-only. A corrected file is a carrier statement of its own that supersedes the one before.';
COMMENT ON COLUMN motcua.carrier_statements.statement_no IS 'Our number of the carrier statement.';
COMMENT ON COLUMN motcua.carrier_statements.form IS 'Form by which the file was read: include/statements/<form>.yaml.';
COMMENT ON COLUMN motcua.carrier_statements.gateway IS 'Gateway that the file bills.';
COMMENT ON COLUMN motcua.carrier_statements.month IS 'First day of the billed month, in Vietnam''s time zone.';
COMMENT ON COLUMN motcua.carrier_statements.covers_until IS 'Attempts from this time on may be missing in the file. It is the end of the month, or earlier if the month was not over at the import.';
COMMENT ON COLUMN motcua.carrier_statements.file_name IS 'Name of the file.';
COMMENT ON COLUMN motcua.carrier_statements.sha256 IS 'SHA-256 of the file, which is imported once.';
COMMENT ON COLUMN motcua.carrier_statements.imported_at IS 'When the file was imported. Its lines were compared with what the ledger knew then.';
COMMENT ON COLUMN motcua.carrier_statements.imported_by IS 'The person or the run that imported the file.';
COMMENT ON COLUMN motcua.carrier_statements.terms IS 'The form at that time: headings of the columns, agreed prices, share and tolerance.';
COMMENT ON COLUMN motcua.carrier_statements.lines IS 'Number of stored lines, messages and inquiries.';
COMMENT ON COLUMN motcua.carrier_statements.segments IS 'Number of segments billed.';
COMMENT ON COLUMN motcua.carrier_statements.amount IS 'Amount in đồng billed for the segments.';
COMMENT ON COLUMN motcua.carrier_statements.inquiries IS 'Number of inquiries to 9029 in the file.';
COMMENT ON COLUMN motcua.carrier_statements.revenue IS 'Amount in đồng that the provider owes for the inquiries.';
COMMENT ON COLUMN motcua.carrier_statements.supersedes IS 'The carrier statement of the same form and month that this one corrects; empty: none.';

-- Lines and matches are written with their carrier statement and never change. Foreign keys would look up the same row,
-- or a row written just before, a million times, and would double the time of an import.
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
COMMENT ON TABLE motcua.statement_lines IS 'Lines of carrier statements, append-only, without the phone numbers in them.';
COMMENT ON COLUMN motcua.statement_lines.statement_no IS 'The carrier statement.';
COMMENT ON COLUMN motcua.statement_lines.direction IS 'Direction: mt (a message that was sent) or mo (an inquiry to 9029).';
COMMENT ON COLUMN motcua.statement_lines.line_no IS 'Row in the sheet, as a spreadsheet counts rows.';
COMMENT ON COLUMN motcua.statement_lines.reference IS 'Our reference as the provider repeats it. Numbers in it are masked.';
COMMENT ON COLUMN motcua.statement_lines.gateway_reference IS 'The provider''s own reference. Numbers in it are masked.';
COMMENT ON COLUMN motcua.statement_lines.sent_at IS 'Time of the line, by the provider''s clock.';
COMMENT ON COLUMN motcua.statement_lines.segments IS 'Number of SMS segments.';
COMMENT ON COLUMN motcua.statement_lines.price IS 'Price of a segment in đồng.';
COMMENT ON COLUMN motcua.statement_lines.amount IS 'Amount in đồng.';
COMMENT ON COLUMN motcua.statement_lines.carrier IS 'Carrier of the phone, by our name.';
COMMENT ON COLUMN motcua.statement_lines.status IS 'The provider''s status of the message.';
COMMENT ON COLUMN motcua.statement_lines.billed IS 'Whether the line is billed: its amount is not zero or, without amounts, its status is one that is billed.';

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
-- Pages show the rows of a verdict in this order, also far down in a list.
CREATE INDEX statement_matches_shown ON motcua.statement_matches (
    statement_no, verdict, (line_no IS NULL), direction DESC, line_no, match_id
);
COMMENT ON TABLE motcua.statement_matches IS 'Matches: each line of a carrier statement with the attempt or inquiry that it bills, and our attempts and inquiries that no line bills; append-only.';
COMMENT ON COLUMN motcua.statement_matches.match_id IS 'Our number of the match.';
COMMENT ON COLUMN motcua.statement_matches.statement_no IS 'The carrier statement.';
COMMENT ON COLUMN motcua.statement_matches.verdict IS 'Verdict: exact; partial (matched, and something differs); theirs_only (billed, not ours); ours_only (the gateway accepted it, not billed).';
COMMENT ON COLUMN motcua.statement_matches.direction IS 'Direction: mt (a message that was sent) or mo (an inquiry to 9029).';
COMMENT ON COLUMN motcua.statement_matches.line_no IS 'The line; empty for ours_only.';
COMMENT ON COLUMN motcua.statement_matches.attempt_id IS 'The attempt.';
COMMENT ON COLUMN motcua.statement_matches.inquiry_id IS 'The inquiry.';
COMMENT ON COLUMN motcua.statement_matches.matched_by IS 'How the pair was found: by our reference, the provider''s reference, or the phone number with a time within the tolerance.';
COMMENT ON COLUMN motcua.statement_matches.differs IS 'Values that differ: number (billed to another phone than the attempt''s), segments, amount, status, time or month. For theirs_only, repeated means billed a second time. For ours_only, month means that it is so near the month''s end that the next carrier statement may bill it.';
COMMENT ON COLUMN motcua.statement_matches.segments IS 'Segments by the ledger, 0 if they would not be billed; empty for theirs_only.';
COMMENT ON COLUMN motcua.statement_matches.amount IS 'Amount in đồng by the ledger and the agreed prices; empty for theirs_only, and if no price is agreed.';

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
COMMENT ON TABLE motcua.statement_sums IS 'Sums of statement_matches by direction and verdict; append-only. If a carrier statement has none, its matches must be added up.';
COMMENT ON COLUMN motcua.statement_sums.statement_no IS 'The carrier statement.';
COMMENT ON COLUMN motcua.statement_sums.direction IS 'Direction: mt (messages that were sent) or mo (inquiries to 9029).';
COMMENT ON COLUMN motcua.statement_sums.verdict IS 'As in statement_matches.';
COMMENT ON COLUMN motcua.statement_sums.matches IS 'Number of matches.';
COMMENT ON COLUMN motcua.statement_sums.their_segments IS 'Segments that the carrier statement bills.';
COMMENT ON COLUMN motcua.statement_sums.their_amount IS 'Amount in đồng that it bills for them.';
COMMENT ON COLUMN motcua.statement_sums.our_segments IS 'Segments by our ledger.';
COMMENT ON COLUMN motcua.statement_sums.our_amount IS 'Amount in đồng by the ledger and the agreed prices.';
COMMENT ON COLUMN motcua.statement_sums.segments_off IS 'Difference in segments between both sides, added without signs, without matches that the next carrier statement may bill.';
COMMENT ON COLUMN motcua.statement_sums.amount_off IS 'Difference in đồng between both sides, in the same way, where a price is agreed.';

CREATE TABLE motcua.statement_difference_sums (
    statement_no bigint NOT NULL REFERENCES motcua.carrier_statements,
    direction text NOT NULL,
    verdict text NOT NULL,
    what text NOT NULL,
    matches bigint NOT NULL CHECK (matches > 0),
    PRIMARY KEY (statement_no, direction, verdict, what)
);
COMMENT ON TABLE motcua.statement_difference_sums IS 'Sums of statement_matches by what differs; a match counts once for each difference. Append-only. If a carrier statement has none, its matches must be added up.';
COMMENT ON COLUMN motcua.statement_difference_sums.statement_no IS 'The carrier statement.';
COMMENT ON COLUMN motcua.statement_difference_sums.direction IS 'Direction: mt (messages that were sent) or mo (inquiries to 9029).';
COMMENT ON COLUMN motcua.statement_difference_sums.verdict IS 'As in statement_matches.';
COMMENT ON COLUMN motcua.statement_difference_sums.what IS 'Value that differs, as in statement_matches.';
COMMENT ON COLUMN motcua.statement_difference_sums.matches IS 'Number of matches.';

-- A refusal is shown until a good file replaces it.
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
COMMENT ON TABLE motcua.refused_statements IS 'Refusals of files that should become carrier statements, one for each time; stored for ever.';
COMMENT ON COLUMN motcua.refused_statements.refusal_no IS 'Our number of the refusal.';
COMMENT ON COLUMN motcua.refused_statements.form IS 'Form by which the file was read, named like the folder of the file; empty: the file was in no such folder.';
COMMENT ON COLUMN motcua.refused_statements.month IS 'First day of the month of the file; empty: it could not be read.';
COMMENT ON COLUMN motcua.refused_statements.file_name IS 'Name of the file.';
COMMENT ON COLUMN motcua.refused_statements.sha256 IS 'SHA-256 of the file; empty: the file was not read.';
COMMENT ON COLUMN motcua.refused_statements.refused_at IS 'When the file was refused.';
COMMENT ON COLUMN motcua.refused_statements.refused_by IS 'The person or the run that imported the file.';
COMMENT ON COLUMN motcua.refused_statements.faults IS 'Number of faults, as far as they were counted.';
COMMENT ON COLUMN motcua.refused_statements.message IS 'The faults by line and column, in Vietnamese. The text may quote a word of the file, never a number.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_at IS 'When a person dismissed the refusal, because nothing must be done about it.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_by IS 'Person who dismissed the refusal.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_reason IS 'Why the refusal was dismissed.';

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
COMMENT ON TABLE motcua.statement_uploads IS 'Carrier statements that a person uploaded through the page, after confirming what was read in the file. A run reads the file like any other file in the folder. Append-only.';
COMMENT ON COLUMN motcua.statement_uploads.upload_no IS 'Our number of the upload.';
COMMENT ON COLUMN motcua.statement_uploads.form IS 'The form, which is the folder of the file.';
COMMENT ON COLUMN motcua.statement_uploads.month IS 'First day of the month of the file.';
COMMENT ON COLUMN motcua.statement_uploads.file_name IS 'Name of the file in the folder, which contains the month.';
COMMENT ON COLUMN motcua.statement_uploads.sha256 IS 'SHA-256 of the file, hexadecimal.';
COMMENT ON COLUMN motcua.statement_uploads.uploaded_at IS 'When the upload was confirmed.';
COMMENT ON COLUMN motcua.statement_uploads.uploaded_by IS 'Person who uploaded the file. Personal data of staff.';

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
-- Without this setting, ANALYZE would store samples of the phone numbers in the planner's statistics.
ALTER TABLE statements.lines ALTER COLUMN msisdn SET STATISTICS 0;
COMMENT ON TABLE statements.lines IS 'Lines of the file that is being matched.';
COMMENT ON COLUMN statements.lines.direction IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.line_no IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.reference IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.gateway_reference IS 'As in statement_lines.';
COMMENT ON COLUMN statements.lines.msisdn IS 'Phone number, E.164. Personal data, deleted at the end of the transaction.';
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
COMMENT ON COLUMN statements.ours.our_id IS 'Number of the attempt or the inquiry.';
COMMENT ON COLUMN statements.ours.reference IS 'Our own reference.';
COMMENT ON COLUMN statements.ours.gateway_reference IS 'The provider''s reference.';
COMMENT ON COLUMN statements.ours.msisdn IS 'Phone number, E.164. Personal data, deleted at the end of the transaction.';
COMMENT ON COLUMN statements.ours.at IS 'When the message was sent, or the inquiry received.';
COMMENT ON COLUMN statements.ours.segments IS 'Number of segments.';
COMMENT ON COLUMN statements.ours.state IS 'State of the attempt; empty for an inquiry.';
COMMENT ON COLUMN statements.ours.carrier IS 'Carrier to which the number''s block was assigned.';
COMMENT ON COLUMN statements.ours.taken IS 'Whether the gateway accepted the message, by the ledger.';
COMMENT ON COLUMN statements.ours.in_month IS 'Whether the time lies within the month.';
COMMENT ON COLUMN statements.ours.covered IS 'Whether the time lies before covers_until.';
COMMENT ON COLUMN statements.ours.billed_before IS 'Whether a carrier statement of another month or form that is not superseded bills it.';

CREATE UNLOGGED TABLE statements.pairs (
    direction text NOT NULL,
    line_no integer NOT NULL,
    our_id bigint NOT NULL,
    matched_by text NOT NULL,
    repeated boolean NOT NULL
);
COMMENT ON TABLE statements.pairs IS 'Pairs of lines and attempts or inquiries that were found so far.';
COMMENT ON COLUMN statements.pairs.direction IS 'As in statement_lines.';
COMMENT ON COLUMN statements.pairs.line_no IS 'The line.';
COMMENT ON COLUMN statements.pairs.our_id IS 'Number of the attempt or the inquiry.';
COMMENT ON COLUMN statements.pairs.matched_by IS 'As in statement_matches.';
COMMENT ON COLUMN statements.pairs.repeated IS 'Whether another line, or another carrier statement, bills it already.';
