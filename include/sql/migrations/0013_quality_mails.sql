-- depends: 0011_quality
-- Mails about data quality: one a recipient and run, reserved before it is handed to the mail server.

CREATE TABLE motcua.quality_mails (
    quality_mail_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    agency_code text REFERENCES motcua.agencies,
    recipient_hash text NOT NULL CHECK (recipient_hash ~ '^[0-9a-f]{64}$'),
    edition smallint NOT NULL CHECK (edition > 0),
    state text NOT NULL CHECK (state IN ('sending', 'sent', 'failed', 'unknown')),
    attempts integer NOT NULL CHECK (attempts > 0),
    reserved_at timestamptz NOT NULL,
    settled_at timestamptz,
    failure text,
    UNIQUE NULLS NOT DISTINCT (run_no, agency_code, recipient_hash, edition),
    CHECK ((state = 'sending') = (settled_at IS NULL)),
    CHECK ((state IN ('failed', 'unknown')) = (failure IS NOT NULL))
);
COMMENT ON TABLE motcua.quality_mails IS 'Mails about data quality, one a recipient, run and edition; committed before the mail server is asked, so that a rerun mails nobody twice. Holds no mail address.';
COMMENT ON COLUMN motcua.quality_mails.quality_mail_id IS 'Our number; part of the mail''s Message-ID.';
COMMENT ON COLUMN motcua.quality_mails.run_no IS 'Run that it tells of.';
COMMENT ON COLUMN motcua.quality_mails.agency_code IS 'Agency that it tells of; empty: all, the Department''s mail.';
COMMENT ON COLUMN motcua.quality_mails.recipient_hash IS 'SHA-256 of the address in lower case. Personal data of staff, as the address itself.';
COMMENT ON COLUMN motcua.quality_mails.edition IS '1; higher where somebody asked for the mail once more.';
COMMENT ON COLUMN motcua.quality_mails.state IS 'sending: handed over now, or the process died over it; sent: the server took it; failed: it did not, a rerun tries again; unknown: no answer came after the content, not sent again unless asked.';
COMMENT ON COLUMN motcua.quality_mails.attempts IS 'How often it was tried.';
COMMENT ON COLUMN motcua.quality_mails.reserved_at IS 'When the last try began.';
COMMENT ON COLUMN motcua.quality_mails.settled_at IS 'When it ended; empty while sending.';
COMMENT ON COLUMN motcua.quality_mails.failure IS 'Kind of failure and the server''s status codes; never its words, which may quote an address.';

-- A mail that the server took, or may have taken, stays so; another edition is another row.
CREATE FUNCTION motcua.keep_quality_mail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF
        OLD.state IN ('sent', 'unknown') OR (OLD.state = 'failed' AND NEW.state <> 'sending')
        OR (OLD.run_no, OLD.agency_code, OLD.recipient_hash, OLD.edition)
        IS DISTINCT FROM (NEW.run_no, NEW.agency_code, NEW.recipient_hash, NEW.edition)
    THEN
        RAISE EXCEPTION 'mail % is %: % refused', OLD.quality_mail_id, OLD.state, TG_OP USING ERRCODE = 'MC001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_quality_mail BEFORE UPDATE ON motcua.quality_mails
FOR EACH ROW EXECUTE FUNCTION motcua.keep_quality_mail();
CREATE TRIGGER refuse_change BEFORE DELETE ON motcua.quality_mails
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

GRANT SELECT, INSERT, UPDATE ON motcua.quality_mails TO motcua_app;

CREATE VIEW audit.quality_mails AS
SELECT
    quality_mail_id, run_no, agency_code, edition, state, attempts, reserved_at, settled_at, failure
FROM motcua.quality_mails;
GRANT SELECT ON audit.quality_mails TO motcua_audit, motcua_app;
