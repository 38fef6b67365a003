-- Publications: reports of closings that never change, each chained to the previous publication. Their numbers have no
-- gaps, so a removed publication would be noticed. Also their verifications, the national portal's figures, and the
-- mails of reports.

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
COMMENT ON COLUMN motcua.publications.publication_no IS 'Our number: the number of the publication before plus one.';
COMMENT ON COLUMN motcua.publications.closing_no IS 'The closing of the publication.';
COMMENT ON COLUMN motcua.publications.corrects IS 'The publication that this one corrects; empty: none.';
COMMENT ON COLUMN motcua.publications.folder IS 'Folder below the store of publications.';
COMMENT ON COLUMN motcua.publications.manifest_sha256 IS 'SHA-256 of manifest.json.';
COMMENT ON COLUMN motcua.publications.previous_sha256 IS 'manifest_sha256 of the publication before; 64 zeros for the first publication.';
COMMENT ON COLUMN motcua.publications.manifest IS 'The manifest: files with their hashes and numbers of rows, queries with their hashes, and the cut-off.';
COMMENT ON COLUMN motcua.publications.published_at IS 'When the publication was made.';

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
COMMENT ON TABLE motcua.publication_verifications IS 'Verifications of stored publications: their files, their place in the chain, and their figures against the facts. Holds no value but the first figures that differ. Append-only.';
COMMENT ON COLUMN motcua.publication_verifications.verification_no IS 'Our number of the verification.';
COMMENT ON COLUMN motcua.publication_verifications.publication_no IS 'The publication.';
COMMENT ON COLUMN motcua.publication_verifications.verified_at IS 'When the verification began. Later changes were not checked.';
COMMENT ON COLUMN motcua.publication_verifications.verified_by IS 'The run or the person that verified the publication. Personal data of staff.';
COMMENT ON COLUMN motcua.publication_verifications.faults IS 'Number of differences; 0: everything agreed.';
COMMENT ON COLUMN motcua.publication_verifications.differing IS 'The figures that differ, for people: the first of them (listed: agency, procedure, kind, figure, was, became), their number (figures), and the names of the files that differ (files). NULL: nothing differs, or the verification is older than migration 0094.';

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
COMMENT ON TABLE motcua.portal_figures IS 'Figures of the national portal by agency and period, as people handed them in. If there are several, the newest count. They stand beside closings and are part of no closing and no publication. Append-only.';
COMMENT ON COLUMN motcua.portal_figures.figure_no IS 'Our number of the figures.';
COMMENT ON COLUMN motcua.portal_figures.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.portal_figures.period IS 'The day (2026-11-24) or month (2026-11) of the figures.';
COMMENT ON COLUMN motcua.portal_figures.received IS 'Dossiers received in the period.';
COMMENT ON COLUMN motcua.portal_figures.resolved IS 'Dossiers resolved in the period.';
COMMENT ON COLUMN motcua.portal_figures.returned IS 'Results returned to citizens in the period; NULL: the file does not state them.';
COMMENT ON COLUMN motcua.portal_figures.handed_in_by IS 'Person who handed the figures in. Personal data of staff.';
COMMENT ON COLUMN motcua.portal_figures.handed_in_at IS 'When the figures were handed in.';
COMMENT ON COLUMN motcua.portal_figures.file_name IS 'Name of the file without its folder. A phone number in it is masked.';
COMMENT ON COLUMN motcua.portal_figures.file_sha256 IS 'SHA-256 of the file. A file adds nothing the second time.';
COMMENT ON COLUMN motcua.portal_figures.file_line IS 'Row in the file, as a spreadsheet counts rows.';
COMMENT ON COLUMN motcua.portal_figures.replaces IS 'The figures of the same agency and period that these replace; NULL: these are the first.';

-- There is one row for each recipient, report, body and edition. It is committed before the mail server is contacted.
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
COMMENT ON TABLE motcua.report_mails IS 'Mails of reports, one for each recipient, report, body and edition. They are committed before the mail server is contacted, so that a rerun mails nobody twice. Holds no mail address.';
COMMENT ON COLUMN motcua.report_mails.report_mail_id IS 'Our number, which is part of the mail''s Message-ID.';
COMMENT ON COLUMN motcua.report_mails.report IS 'Report: quality (a run of the quality check) or publication (a reconciliation report).';
COMMENT ON COLUMN motcua.report_mails.report_no IS 'Number of the run (quality_runs) or of the publication (publications).';
COMMENT ON COLUMN motcua.report_mails.body IS 'Body of the recipient: department, home_affairs, justice, committee, or the code of an agency.';
COMMENT ON COLUMN motcua.report_mails.recipient_hash IS 'SHA-256 of the address in lower case. Personal data of staff, like the address itself.';
COMMENT ON COLUMN motcua.report_mails.edition IS 'Edition: 1; higher if a person requested the mail again.';
COMMENT ON COLUMN motcua.report_mails.state IS 'State. sending: being handed over, or the process died meanwhile; sent: the server accepted it; failed: the server did not, and a rerun tries again; unknown: no answer came after the content, and the mail is not sent again unless a person requests it.';
COMMENT ON COLUMN motcua.report_mails.attempts IS 'Number of tries.';
COMMENT ON COLUMN motcua.report_mails.reserved_at IS 'When the last try began.';
COMMENT ON COLUMN motcua.report_mails.settled_at IS 'When the last try ended; empty while sending.';
COMMENT ON COLUMN motcua.report_mails.failure IS 'Kind of failure and the server''s status codes; never the server''s text, which may quote an address.';
