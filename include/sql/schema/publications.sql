-- Publications: reports of closings, never changed, each chained to the one before; their numbers have no gaps: one
-- that was taken away would be missed. When each was verified, what the national portal says of the same, and the
-- mails.

CREATE TABLE motcua.publications (
    publication_no bigint PRIMARY KEY CHECK (publication_no > 0),
    closing_no bigint NOT NULL UNIQUE REFERENCES motcua.closings,
    corrects bigint REFERENCES motcua.publications,
    folder text NOT NULL UNIQUE,
    manifest_sha256 text NOT NULL UNIQUE CHECK (manifest_sha256 ~ '^[0-9a-f]{64}$'),
    previous_sha256 text NOT NULL UNIQUE CHECK (previous_sha256 ~ '^[0-9a-f]{64}$'),
    manifest jsonb NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE motcua.publications IS 'Published reports, append-only: each manifest names the hash of the one before.';
COMMENT ON COLUMN motcua.publications.publication_no IS 'Our number: one more than that of the publication before.';
COMMENT ON COLUMN motcua.publications.closing_no IS 'The closing it tells of.';
COMMENT ON COLUMN motcua.publications.corrects IS 'The publication that it corrects.';
COMMENT ON COLUMN motcua.publications.folder IS 'Folder below the store of publications.';
COMMENT ON COLUMN motcua.publications.manifest_sha256 IS 'SHA-256 of manifest.json.';
COMMENT ON COLUMN motcua.publications.previous_sha256 IS 'That of the publication before; 64 zeros for the first one.';
COMMENT ON COLUMN motcua.publications.manifest IS 'The manifest: files with their hashes and rows, queries with theirs, the cut-off.';
COMMENT ON COLUMN motcua.publications.published_at IS 'When it was published.';

CREATE TABLE motcua.publication_verifications (
    verification_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    publication_no bigint NOT NULL REFERENCES motcua.publications,
    verified_at timestamptz NOT NULL,
    verified_by text NOT NULL CHECK (btrim(verified_by) <> ''),
    faults integer NOT NULL CHECK (faults >= 0),
    differing jsonb
);
CREATE INDEX publication_verifications_last ON motcua.publication_verifications (publication_no, verification_no);
CREATE INDEX publication_verifications_not_holding ON motcua.publication_verifications (publication_no, verification_no)
WHERE faults > 0;
CREATE INDEX publication_verifications_run ON motcua.publication_verifications (verified_by);
COMMENT ON TABLE motcua.publication_verifications IS 'Each time that a publication in its store was verified: its files, its place in the chain, its figures against the facts; no value of any but the first figures that differ. Append-only.';
COMMENT ON COLUMN motcua.publication_verifications.verification_no IS 'Our number.';
COMMENT ON COLUMN motcua.publication_verifications.publication_no IS 'The publication.';
COMMENT ON COLUMN motcua.publication_verifications.verified_at IS 'When it was begun: what was changed later was not looked at.';
COMMENT ON COLUMN motcua.publication_verifications.verified_by IS 'The run, or who did it. Personal data of staff.';
COMMENT ON COLUMN motcua.publication_verifications.faults IS 'Differences found; 0: everything held.';
COMMENT ON COLUMN motcua.publication_verifications.differing IS 'Which figures differ, the first of them (listed: agency, procedure, kind, figure, was, became), how many (figures), and names of files that differ (files); empty: nothing differs, or it is from before this was kept.';

CREATE TABLE motcua.portal_figures (
    figure_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    period text NOT NULL CHECK (period ~ '^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$'),
    received integer NOT NULL CHECK (received >= 0),
    resolved integer NOT NULL CHECK (resolved >= 0),
    returned integer CHECK (returned >= 0),
    handed_in_by text NOT NULL CHECK (btrim(handed_in_by) <> ''),
    handed_in_at timestamptz NOT NULL,
    file_name text NOT NULL,
    file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    file_line integer NOT NULL CHECK (file_line > 0),
    replaces bigint UNIQUE REFERENCES motcua.portal_figures,
    UNIQUE (agency_code, period, file_sha256)
);
CREATE INDEX portal_figures_period ON motcua.portal_figures (period, agency_code, figure_no);
COMMENT ON TABLE motcua.portal_figures IS 'Figures of the national portal, by agency and period, as people handed them in; of several the newest counts. They stand beside closings and are in none, nor in a publication. Append-only.';
COMMENT ON COLUMN motcua.portal_figures.figure_no IS 'Our number.';
COMMENT ON COLUMN motcua.portal_figures.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.portal_figures.period IS 'The day (2026-11-24) or month (2026-11) that it is of.';
COMMENT ON COLUMN motcua.portal_figures.received IS 'Dossiers received in the period.';
COMMENT ON COLUMN motcua.portal_figures.resolved IS 'Dossiers resolved in the period.';
COMMENT ON COLUMN motcua.portal_figures.returned IS 'Results returned to citizens in the period; NULL: the file does not say.';
COMMENT ON COLUMN motcua.portal_figures.handed_in_by IS 'Who handed it in. Personal data of staff.';
COMMENT ON COLUMN motcua.portal_figures.handed_in_at IS 'When.';
COMMENT ON COLUMN motcua.portal_figures.file_name IS 'Name of the file that it comes from, without a folder; a phone number in it is masked.';
COMMENT ON COLUMN motcua.portal_figures.file_sha256 IS 'SHA-256 of the file: the same file again adds nothing.';
COMMENT ON COLUMN motcua.portal_figures.file_line IS 'Row of the file, as a spreadsheet counts.';
COMMENT ON COLUMN motcua.portal_figures.replaces IS 'The figures that it replaces, of the same agency and period; NULL: they are the first.';

-- One a recipient, report and body, reserved before it is handed to the mail server.
CREATE TABLE motcua.report_mails (
    report_mail_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report text NOT NULL CHECK (report IN ('quality', 'publication')),
    report_no bigint NOT NULL CHECK (report_no > 0),
    body text NOT NULL CHECK (btrim(body) <> ''),
    recipient_hash text NOT NULL CHECK (recipient_hash ~ '^[0-9a-f]{64}$'),
    edition smallint NOT NULL CHECK (edition > 0),
    state text NOT NULL CHECK (state IN ('sending', 'sent', 'failed', 'unknown')),
    attempts integer NOT NULL CHECK (attempts > 0),
    reserved_at timestamptz NOT NULL,
    settled_at timestamptz,
    failure text,
    UNIQUE (report, report_no, body, recipient_hash, edition),
    CHECK ((state = 'sending') = (settled_at IS NULL)),
    CHECK ((state IN ('failed', 'unknown')) = (failure IS NOT NULL))
);
COMMENT ON TABLE motcua.report_mails IS 'Mails of reports, one a recipient, report, body and edition; committed before the mail server is asked, so that a rerun mails nobody twice. Holds no mail address.';
COMMENT ON COLUMN motcua.report_mails.report_mail_id IS 'Our number; part of the mail''s Message-ID.';
COMMENT ON COLUMN motcua.report_mails.report IS 'What was mailed: quality, a run of the quality check; publication, a reconciliation report.';
COMMENT ON COLUMN motcua.report_mails.report_no IS 'Number of the run (quality_runs) or of the publication (publications).';
COMMENT ON COLUMN motcua.report_mails.body IS 'Whose mail: department, home_affairs, justice, committee, or the code of an agency.';
COMMENT ON COLUMN motcua.report_mails.recipient_hash IS 'SHA-256 of the address in lower case. Personal data of staff, as the address itself.';
COMMENT ON COLUMN motcua.report_mails.edition IS '1; higher where somebody asked for the mail once more.';
COMMENT ON COLUMN motcua.report_mails.state IS 'sending: handed over now, or the process died over it; sent: the server took it; failed: it did not, a rerun tries again; unknown: no answer came after the content, not sent again unless asked.';
COMMENT ON COLUMN motcua.report_mails.attempts IS 'How often it was tried.';
COMMENT ON COLUMN motcua.report_mails.reserved_at IS 'When the last try began.';
COMMENT ON COLUMN motcua.report_mails.settled_at IS 'When it ended; empty while sending.';
COMMENT ON COLUMN motcua.report_mails.failure IS 'Kind of failure and the server''s status codes; never its words, which may quote an address.';
