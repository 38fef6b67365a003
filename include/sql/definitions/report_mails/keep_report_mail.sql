-- A mail that the server took, or may have taken, stays so; another edition is another row.
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
