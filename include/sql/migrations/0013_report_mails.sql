-- depends: 0011_quality
-- Mails of reports: one a recipient, report and body, reserved before it is handed to the mail server.

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

-- A mail that the server took, or may have taken, stays so; another edition is another row.
CREATE FUNCTION motcua.keep_report_mail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF
        OLD.state IN ('sent', 'unknown') OR (OLD.state = 'failed' AND NEW.state <> 'sending')
        OR (OLD.report, OLD.report_no, OLD.body, OLD.recipient_hash, OLD.edition)
        IS DISTINCT FROM (NEW.report, NEW.report_no, NEW.body, NEW.recipient_hash, NEW.edition)
    THEN
        RAISE EXCEPTION 'mail % is %: % refused', OLD.report_mail_id, OLD.state, TG_OP USING ERRCODE = 'MC001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_report_mail BEFORE UPDATE ON motcua.report_mails
FOR EACH ROW EXECUTE FUNCTION motcua.keep_report_mail();
CREATE TRIGGER refuse_change BEFORE DELETE ON motcua.report_mails
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

GRANT SELECT, INSERT, UPDATE ON motcua.report_mails TO motcua_app;

CREATE VIEW audit.report_mails AS
SELECT
    report_mail_id, report, report_no, body, edition, state, attempts, reserved_at, settled_at, failure
FROM motcua.report_mails;
GRANT SELECT ON audit.report_mails TO motcua_audit, motcua_app;
