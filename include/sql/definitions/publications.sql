-- Publications (published reports of closings) and mails with reports: which changes are refused, and what auditors may
-- read.

-- Refuse a publication whose number is not one more than the last publication's, or whose previous_sha256 is not the
-- hash of the last publication's manifest (motcua.publications).
CREATE OR REPLACE FUNCTION motcua.keep_publication_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_no bigint;
    last_sha256 text;
BEGIN
    SELECT p.publication_no, p.manifest_sha256 INTO last_no, last_sha256
    FROM motcua.publications AS p
    ORDER BY p.publication_no DESC
    LIMIT 1;
    IF
        (NEW.publication_no, NEW.previous_sha256)
        IS DISTINCT FROM (coalesce(last_no, 0) + 1, coalesce(last_sha256, repeat('0', 64)))
    THEN
        RAISE EXCEPTION 'publication % does not follow publication %', NEW.publication_no, coalesce(last_no, 0)
        USING ERRCODE = 'MC001';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER keep_publication_chain BEFORE INSERT ON motcua.publications
FOR EACH ROW EXECUTE FUNCTION motcua.keep_publication_chain();

-- Let auditors read publications, each with the hash of its manifest and the hash of the previous manifest.
CREATE OR REPLACE VIEW audit.publications AS
SELECT publication_no, closing_no, corrects, folder, manifest_sha256, previous_sha256, manifest, published_at
FROM motcua.publications;
-- Let auditors read each verification of a publication: when and by whom it was made, how many differences it found,
-- and which figures and files differ.
CREATE OR REPLACE VIEW audit.publication_verifications AS
SELECT verification_no, publication_no, verified_at, verified_by, faults, differing
FROM motcua.publication_verifications;

-- Refuse changes of a mail that the mail server accepted or may have accepted (motcua.report_mails). A failed mail may
-- only be sent again. The report, the receiving body, the recipient and the edition of a mail never change. If a person
-- requests a mail again, another row with the next edition is inserted.
CREATE OR REPLACE FUNCTION motcua.keep_report_mail() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE TRIGGER keep_report_mail BEFORE UPDATE ON motcua.report_mails
FOR EACH ROW EXECUTE FUNCTION motcua.keep_report_mail();

-- Let auditors read report mails: the report, the receiving body, the times and the state, without addresses.
CREATE OR REPLACE VIEW audit.report_mails AS
SELECT
    report_mail_id, report, report_no, body, edition, state, attempts, reserved_at, settled_at, failure
FROM motcua.report_mails;
