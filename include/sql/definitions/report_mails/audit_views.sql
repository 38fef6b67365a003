-- What auditors may read of report mails: to which body, when, and whether they went; no address.
CREATE OR REPLACE VIEW audit.report_mails AS
SELECT
    report_mail_id, report, report_no, body, edition, state, attempts, reserved_at, settled_at, failure
FROM motcua.report_mails;
