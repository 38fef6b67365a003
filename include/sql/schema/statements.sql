-- Carrier statements (bảng kê) are the providers' monthly bills. Each line is compared with the ledger's attempts and
-- inquiries (texts to the short code 9029). The phone numbers of a file are used only while the file is imported, and
-- are never stored.

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
COMMENT ON TABLE motcua.carrier_statements IS 'Carrier statements as they were imported, append-only. A corrected file is imported as a carrier statement of its own, which supersedes the earlier one.';
COMMENT ON COLUMN motcua.carrier_statements.statement_no IS 'Our number of the carrier statement.';
COMMENT ON COLUMN motcua.carrier_statements.form IS 'Form by which the file was read. The file include/statements/<form>.yaml describes the columns.';
COMMENT ON COLUMN motcua.carrier_statements.gateway IS 'Gateway whose messages the file bills.';
COMMENT ON COLUMN motcua.carrier_statements.month IS 'First day of the billed month, in Vietnam''s time zone.';
COMMENT ON COLUMN motcua.carrier_statements.covers_until IS 'The file covers attempts before this time; later ones may be missing in it. It is the end of the month, or earlier if the month was not over at the import.';
COMMENT ON COLUMN motcua.carrier_statements.file_name IS 'Name of the imported file.';
COMMENT ON COLUMN motcua.carrier_statements.sha256 IS 'SHA-256 of the file. The same file is imported only once.';
COMMENT ON COLUMN motcua.carrier_statements.imported_at IS 'When the file was imported. Its lines were compared with what the ledger knew at that time.';
COMMENT ON COLUMN motcua.carrier_statements.imported_by IS 'The person or the run that imported the file.';
COMMENT ON COLUMN motcua.carrier_statements.terms IS 'What the form and the gateway''s settings stated at the import: headings of the columns, agreed prices, our share of the fees for inquiries, and the tolerance.';
COMMENT ON COLUMN motcua.carrier_statements.lines IS 'Number of stored lines of the file, those of messages and those of inquiries together.';
COMMENT ON COLUMN motcua.carrier_statements.segments IS 'Number of SMS segments that the file bills.';
COMMENT ON COLUMN motcua.carrier_statements.amount IS 'Amount in đồng that the file bills for the segments.';
COMMENT ON COLUMN motcua.carrier_statements.inquiries IS 'Number of inquiries to 9029 in the file.';
COMMENT ON COLUMN motcua.carrier_statements.revenue IS 'Amount in đồng that the provider owes for the inquiries.';
COMMENT ON COLUMN motcua.carrier_statements.supersedes IS 'The carrier statement of the same form and month that this one corrects; empty: none.';

-- Lines and matches are written in the same transaction as their carrier statement and never change. Their tables have
-- no foreign key to carrier_statements. With a foreign key, PostgreSQL would look up the same carrier statement again
-- for each of up to a million rows, which would double the time of an import.
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
COMMENT ON TABLE motcua.statement_lines IS 'Lines of carrier statements, without their phone numbers, append-only.';
COMMENT ON COLUMN motcua.statement_lines.statement_no IS 'The carrier statement that the line is from.';
COMMENT ON COLUMN motcua.statement_lines.direction IS 'What the line bills: mt (a message that was sent) or mo (an inquiry to 9029).';
COMMENT ON COLUMN motcua.statement_lines.line_no IS 'Number of the row in the file''s sheet, as a spreadsheet counts rows.';
COMMENT ON COLUMN motcua.statement_lines.reference IS 'Our reference of the attempt, as the provider repeats it. Phone numbers in it are masked.';
COMMENT ON COLUMN motcua.statement_lines.gateway_reference IS 'The provider''s own reference of the message. Phone numbers in it are masked.';
COMMENT ON COLUMN motcua.statement_lines.sent_at IS 'Time that the line states, by the provider''s clock.';
COMMENT ON COLUMN motcua.statement_lines.segments IS 'Number of SMS segments that the line states.';
COMMENT ON COLUMN motcua.statement_lines.price IS 'Price of one segment in đồng that the line states.';
COMMENT ON COLUMN motcua.statement_lines.amount IS 'Amount in đồng that the line states.';
COMMENT ON COLUMN motcua.statement_lines.carrier IS 'Carrier of the phone number, by the name that we use.';
COMMENT ON COLUMN motcua.statement_lines.status IS 'Status of the message that the line states.';
COMMENT ON COLUMN motcua.statement_lines.billed IS 'Whether the provider bills the line: its amount is not zero or, if the file has no amounts, its status is one that is billed.';

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
-- Pages show the rows of a verdict in the order of this index, so that a page at the end of a long list needs no
-- sorting.
CREATE INDEX statement_matches_shown ON motcua.statement_matches (
    statement_no, verdict, (line_no IS NULL), direction DESC, line_no, match_id
);
COMMENT ON TABLE motcua.statement_matches IS 'Results of the comparison: for each line of a carrier statement the attempt or inquiry that it bills, and one row for each of our attempts and inquiries that no line bills; append-only.';
COMMENT ON COLUMN motcua.statement_matches.match_id IS 'Our number of the result.';
COMMENT ON COLUMN motcua.statement_matches.statement_no IS 'The carrier statement that was compared.';
COMMENT ON COLUMN motcua.statement_matches.verdict IS 'exact: the line and our attempt or inquiry agree; partial: they belong together, but something differs; theirs_only: the line belongs to no attempt or inquiry of ours; ours_only: the gateway accepted our attempt, or sent us the inquiry, and no line bills it.';
COMMENT ON COLUMN motcua.statement_matches.direction IS 'What the result is about: mt (a message that was sent) or mo (an inquiry to 9029).';
COMMENT ON COLUMN motcua.statement_matches.line_no IS 'The line of the carrier statement; empty for ours_only.';
COMMENT ON COLUMN motcua.statement_matches.attempt_id IS 'Our attempt; empty for an inquiry and for theirs_only.';
COMMENT ON COLUMN motcua.statement_matches.inquiry_id IS 'Our inquiry; empty for an attempt and for theirs_only.';
COMMENT ON COLUMN motcua.statement_matches.matched_by IS 'How it was found that line and attempt or inquiry belong together: by our reference, by the provider''s reference, or by the phone number and a time that differs by no more than the tolerance.';
COMMENT ON COLUMN motcua.statement_matches.differs IS 'What differs: number (the line names another phone number than the attempt), segments, amount, status, time (by more than the tolerance) or month (the attempt or inquiry is not of the file''s month). For theirs_only, repeated means that another line bills the same attempt or inquiry already. For ours_only, month means that the attempt or inquiry is so near the month''s end that the next carrier statement may bill it.';
COMMENT ON COLUMN motcua.statement_matches.segments IS 'Number of segments that should be billed according to the ledger; 0 if none should; empty for theirs_only.';
COMMENT ON COLUMN motcua.statement_matches.amount IS 'Amount in đồng that should be billed according to the ledger and the agreed prices; empty for theirs_only, and if no price is agreed.';

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
COMMENT ON TABLE motcua.statement_sums IS 'Sums of statement_matches for each carrier statement, direction and verdict; append-only. If a carrier statement has no row here, its rows of statement_matches must be added up when its sums are needed.';
COMMENT ON COLUMN motcua.statement_sums.statement_no IS 'The carrier statement whose results are added up.';
COMMENT ON COLUMN motcua.statement_sums.direction IS 'What the sums are about: mt (messages that were sent) or mo (inquiries to 9029).';
COMMENT ON COLUMN motcua.statement_sums.verdict IS 'The verdict of the added results, as in statement_matches.';
COMMENT ON COLUMN motcua.statement_sums.matches IS 'Number of the added rows of statement_matches.';
COMMENT ON COLUMN motcua.statement_sums.their_segments IS 'Segments that the carrier statement bills.';
COMMENT ON COLUMN motcua.statement_sums.their_amount IS 'Amount in đồng that the carrier statement bills for these segments.';
COMMENT ON COLUMN motcua.statement_sums.our_segments IS 'Segments that should be billed according to the ledger.';
COMMENT ON COLUMN motcua.statement_sums.our_amount IS 'Amount in đồng that should be billed according to the ledger and the agreed prices.';
COMMENT ON COLUMN motcua.statement_sums.segments_off IS 'By how many segments the carrier statement and the ledger differ: the differences of all rows, added without their signs. Rows that the next carrier statement may bill are left out.';
COMMENT ON COLUMN motcua.statement_sums.amount_off IS 'By how many đồng the carrier statement and the ledger differ, added in the same way as in segments_off. Only rows for which a price is agreed count.';

CREATE TABLE motcua.statement_difference_sums (
    statement_no bigint NOT NULL REFERENCES motcua.carrier_statements,
    direction text NOT NULL,
    verdict text NOT NULL,
    what text NOT NULL,
    matches bigint NOT NULL CHECK (matches > 0),
    PRIMARY KEY (statement_no, direction, verdict, what)
);
COMMENT ON TABLE motcua.statement_difference_sums IS 'How many rows of statement_matches have each kind of difference; a row counts once for each of its differences. Append-only. If a carrier statement has no row here, its rows of statement_matches must be counted when the numbers are needed.';
COMMENT ON COLUMN motcua.statement_difference_sums.statement_no IS 'The carrier statement whose results are counted.';
COMMENT ON COLUMN motcua.statement_difference_sums.direction IS 'What the counted results are about: mt (messages that were sent) or mo (inquiries to 9029).';
COMMENT ON COLUMN motcua.statement_difference_sums.verdict IS 'The verdict of the counted results, as in statement_matches.';
COMMENT ON COLUMN motcua.statement_difference_sums.what IS 'What differs, as in the column differs of statement_matches.';
COMMENT ON COLUMN motcua.statement_difference_sums.matches IS 'Number of rows of statement_matches with this difference.';

-- Each row is a refusal of a file. Staff pages show the row until a good file of the same form and month is imported,
-- or until a person dismisses the row.
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
COMMENT ON TABLE motcua.refused_statements IS 'Files that could not be imported as carrier statements. There is one row for each time that a file was refused; no row is deleted.';
COMMENT ON COLUMN motcua.refused_statements.refusal_no IS 'Our number of the refusal of a file.';
COMMENT ON COLUMN motcua.refused_statements.form IS 'Form by which the file was read. It is also the name of the file''s folder; empty: the file was in no folder of a form.';
COMMENT ON COLUMN motcua.refused_statements.month IS 'First day of the month that the file bills; empty: the month could not be read.';
COMMENT ON COLUMN motcua.refused_statements.file_name IS 'Name of the refused file.';
COMMENT ON COLUMN motcua.refused_statements.sha256 IS 'SHA-256 of the file; empty: the file could not be read.';
COMMENT ON COLUMN motcua.refused_statements.refused_at IS 'When the file was refused.';
COMMENT ON COLUMN motcua.refused_statements.refused_by IS 'The person or the run that tried to import the file.';
COMMENT ON COLUMN motcua.refused_statements.faults IS 'Number of faults, as far as they were counted.';
COMMENT ON COLUMN motcua.refused_statements.message IS 'The faults by line and column, in Vietnamese. The text may quote a word of the file, but never a number.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_at IS 'When a person dismissed the refusal, because nothing has to be done about it.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_by IS 'Person who dismissed the refusal, so that it is no longer shown.';
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
COMMENT ON TABLE motcua.statement_uploads IS 'Carrier statements that a person uploaded on the staff page, after the page had shown what it read in the file and the person had confirmed it. A run then imports the file like any other file in the folder. Append-only.';
COMMENT ON COLUMN motcua.statement_uploads.upload_no IS 'Our number of the upload.';
COMMENT ON COLUMN motcua.statement_uploads.form IS 'The form by which the file is read. It is also the name of the file''s folder.';
COMMENT ON COLUMN motcua.statement_uploads.month IS 'First day of the month that the file bills.';
COMMENT ON COLUMN motcua.statement_uploads.file_name IS 'Name of the file in the folder. The name contains the month.';
COMMENT ON COLUMN motcua.statement_uploads.sha256 IS 'SHA-256 of the uploaded file, hexadecimal.';
COMMENT ON COLUMN motcua.statement_uploads.uploaded_at IS 'When the person confirmed the upload.';
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
COMMENT ON TABLE statements.lines IS 'Lines of the file that is just being compared with the ledger.';
COMMENT ON COLUMN statements.lines.direction IS 'The same as column direction of motcua.statement_lines.';
COMMENT ON COLUMN statements.lines.line_no IS 'The same as column line_no of motcua.statement_lines.';
COMMENT ON COLUMN statements.lines.reference IS 'The same as column reference of motcua.statement_lines.';
COMMENT ON COLUMN statements.lines.gateway_reference IS 'The same as column gateway_reference of motcua.statement_lines.';
COMMENT ON COLUMN statements.lines.msisdn IS 'Phone number in the line, E.164. Personal data, deleted at the end of the transaction.';
COMMENT ON COLUMN statements.lines.sent_at IS 'The same as column sent_at of motcua.statement_lines.';
COMMENT ON COLUMN statements.lines.segments IS 'The same as column segments of motcua.statement_lines.';
COMMENT ON COLUMN statements.lines.price IS 'The same as column price of motcua.statement_lines.';
COMMENT ON COLUMN statements.lines.amount IS 'The same as column amount of motcua.statement_lines.';
COMMENT ON COLUMN statements.lines.carrier IS 'The same as column carrier of motcua.statement_lines.';
COMMENT ON COLUMN statements.lines.status IS 'The same as column status of motcua.statement_lines.';
COMMENT ON COLUMN statements.lines.billed IS 'The same as column billed of motcua.statement_lines.';

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
COMMENT ON TABLE statements.ours IS 'Our attempts and inquiries that the file being compared may bill.';
COMMENT ON COLUMN statements.ours.direction IS 'mt for an attempt, mo for an inquiry to 9029.';
COMMENT ON COLUMN statements.ours.our_id IS 'Number of the attempt or the inquiry.';
COMMENT ON COLUMN statements.ours.reference IS 'Our own reference of the attempt or the inquiry.';
COMMENT ON COLUMN statements.ours.gateway_reference IS 'The provider''s reference of the attempt or the inquiry.';
COMMENT ON COLUMN statements.ours.msisdn IS 'Phone number of the citizen, E.164. Personal data, deleted at the end of the transaction.';
COMMENT ON COLUMN statements.ours.at IS 'When the message was sent or the inquiry was received.';
COMMENT ON COLUMN statements.ours.segments IS 'Number of SMS segments by the ledger.';
COMMENT ON COLUMN statements.ours.state IS 'State of the attempt; empty for an inquiry.';
COMMENT ON COLUMN statements.ours.carrier IS 'Carrier to which the number''s block was assigned.';
COMMENT ON COLUMN statements.ours.taken IS 'Whether the gateway accepted the message, according to the ledger.';
COMMENT ON COLUMN statements.ours.in_month IS 'Whether the time in column "at" is in the month of the file.';
COMMENT ON COLUMN statements.ours.covered IS 'Whether the time in column "at" is before covers_until of the carrier statement.';
COMMENT ON COLUMN statements.ours.billed_before IS 'Whether a carrier statement of another month or form, which is not superseded, bills the same attempt or inquiry.';

CREATE UNLOGGED TABLE statements.pairs (
    direction text NOT NULL,
    line_no integer NOT NULL,
    our_id bigint NOT NULL,
    matched_by text NOT NULL,
    repeated boolean NOT NULL
);
COMMENT ON TABLE statements.pairs IS 'Pairs of a line and an attempt or inquiry that belong together, as far as they were found.';
COMMENT ON COLUMN statements.pairs.direction IS 'mt if the pair has an attempt, mo if it has an inquiry to 9029.';
COMMENT ON COLUMN statements.pairs.line_no IS 'The line, as in statements.lines.';
COMMENT ON COLUMN statements.pairs.our_id IS 'Number of the attempt or the inquiry.';
COMMENT ON COLUMN statements.pairs.matched_by IS 'The same as column matched_by of motcua.statement_matches.';
COMMENT ON COLUMN statements.pairs.repeated IS 'Whether another line, or another carrier statement, bills the attempt or inquiry already.';
