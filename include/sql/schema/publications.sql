-- Publications. A publication is the published report of a closing (the stored figures of a finished period). A
-- publication never changes, and it holds the hash of the previous publication. The numbers of publications have no
-- gaps, so a removed publication would be noticed. This file also has the tables of the verifications of publications,
-- of the national portal's figures, and of the mails with reports.

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
COMMENT ON TABLE motcua.publications IS 'Published reports, append-only: each manifest names the hash of the previous manifest.';
COMMENT ON COLUMN motcua.publications.publication_no IS 'Our number of the publication: the number of the previous publication plus one.';
COMMENT ON COLUMN motcua.publications.closing_no IS 'The closing whose figures are published.';
COMMENT ON COLUMN motcua.publications.corrects IS 'The publication that this one corrects; empty: none.';
COMMENT ON COLUMN motcua.publications.folder IS 'Folder of the publication''s files, relative to the folder in the setting MOTCUA_PUBLICATIONS.';
COMMENT ON COLUMN motcua.publications.manifest_sha256 IS 'SHA-256 of the publication''s file manifest.json.';
COMMENT ON COLUMN motcua.publications.previous_sha256 IS 'manifest_sha256 of the publication before; 64 zeros for the first publication.';
COMMENT ON COLUMN motcua.publications.manifest IS 'The content of manifest.json: the files with their hashes and numbers of rows, the queries with their hashes, and the moment up to which facts count (cut-off).';
COMMENT ON COLUMN motcua.publications.published_at IS 'When the row was written, after all files of the publication.';

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
COMMENT ON TABLE motcua.publication_verifications IS 'Verifications of publications: whether their files are unchanged, whether the hashes of the manifests fit together, and whether the figures agree with the ledger''s facts. Only the first figures that differ are stored. Append-only.';
COMMENT ON COLUMN motcua.publication_verifications.verification_no IS 'Our number of the verification.';
COMMENT ON COLUMN motcua.publication_verifications.publication_no IS 'The publication that was verified.';
COMMENT ON COLUMN motcua.publication_verifications.verified_at IS 'When the verification began. Changes after this time were not checked.';
COMMENT ON COLUMN motcua.publication_verifications.verified_by IS 'The run or the person that verified the publication. Personal data of staff.';
COMMENT ON COLUMN motcua.publication_verifications.faults IS 'Number of differences that the verification found; 0: everything agreed.';
COMMENT ON COLUMN motcua.publication_verifications.differing IS 'What differs, to be shown to people. listed: the first figures that differ, each with agency, procedure, kind, figure, was and became; figures: how many figures differ; files: the names of the files that differ. NULL: nothing differs, or the verification is older than migration 0094.';

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
COMMENT ON TABLE motcua.portal_figures IS 'Figures that the National Public Service Portal shows for an agency and a period, as people uploaded them. If there are several rows for the same agency and period, the newest counts. Pages show these figures beside closings, but no closing and no publication contains them. Append-only.';
COMMENT ON COLUMN motcua.portal_figures.figure_no IS 'Our number of this row of figures.';
COMMENT ON COLUMN motcua.portal_figures.agency_code IS 'The agency that the figures are about.';
COMMENT ON COLUMN motcua.portal_figures.period IS 'The day (2026-11-24) or month (2026-11) of the figures.';
COMMENT ON COLUMN motcua.portal_figures.received IS 'Number of dossiers received in the period.';
COMMENT ON COLUMN motcua.portal_figures.resolved IS 'Number of dossiers resolved in the period.';
COMMENT ON COLUMN motcua.portal_figures.returned IS 'Number of results returned to citizens in the period; NULL: the file does not state them.';
COMMENT ON COLUMN motcua.portal_figures.handed_in_by IS 'Person who uploaded the figures. Personal data of staff.';
COMMENT ON COLUMN motcua.portal_figures.handed_in_at IS 'When the figures were uploaded.';
COMMENT ON COLUMN motcua.portal_figures.file_name IS 'Name of the uploaded file without its folder. A phone number in it is masked.';
COMMENT ON COLUMN motcua.portal_figures.file_sha256 IS 'SHA-256 of the uploaded file. If the same file is uploaded again, nothing is stored.';
COMMENT ON COLUMN motcua.portal_figures.file_line IS 'Row of the file that holds the figures, as a spreadsheet counts rows.';
COMMENT ON COLUMN motcua.portal_figures.replaces IS 'The earlier row of the same agency and period that this row replaces; NULL: this row is the first.';

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
COMMENT ON TABLE motcua.report_mails IS 'Mails with reports: one row for each recipient, report, receiving body and edition. Each row is committed before the mail server is contacted, so that a rerun sends no mail twice. Holds no mail address.';
COMMENT ON COLUMN motcua.report_mails.report_mail_id IS 'Our number of the row, which is part of the mail''s Message-ID.';
COMMENT ON COLUMN motcua.report_mails.report IS 'Which kind of report is mailed: quality (about a run of the quality check) or publication (about a closing).';
COMMENT ON COLUMN motcua.report_mails.report_no IS 'Number of the run (quality_runs) or of the publication (publications).';
COMMENT ON COLUMN motcua.report_mails.body IS 'The body that the recipient belongs to: department, home_affairs, justice, committee, or the code of an agency.';
COMMENT ON COLUMN motcua.report_mails.recipient_hash IS 'SHA-256 of the recipient''s mail address in lower case. Personal data of staff, like the address itself.';
COMMENT ON COLUMN motcua.report_mails.edition IS '1 for the first mail; one more each time a person requests the mail again.';
COMMENT ON COLUMN motcua.report_mails.state IS 'State of the mail. sending: it is being sent, or the process died while sending it; sent: the mail server accepted it; failed: the mail server did not accept it, and a rerun sends it again; unknown: the mail server gave no answer after the content was sent, and the mail is sent again only if a person requests it.';
COMMENT ON COLUMN motcua.report_mails.attempts IS 'How many times sending the mail was tried.';
COMMENT ON COLUMN motcua.report_mails.reserved_at IS 'When the last try to send the mail began.';
COMMENT ON COLUMN motcua.report_mails.settled_at IS 'When the last try to send the mail ended; empty while the state is sending.';
COMMENT ON COLUMN motcua.report_mails.failure IS 'Kind of failure and the mail server''s status codes. The server''s text is not stored, because it may quote a mail address.';
