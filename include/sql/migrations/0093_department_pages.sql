-- depends: 0092_code_tails
-- Allow more kinds of page requests: begin a stop (stop), end a stop (go), confirm a calendar's year or revoke the
-- confirmation (confirm_year), and verify a publication again (verify).
ALTER TABLE motcua.page_requests
DROP CONSTRAINT page_requests_kind_check,
ADD CONSTRAINT page_requests_kind_check CHECK (
    kind IN ('map_status', 'release', 'recipients', 'export_form', 'stop', 'go', 'confirm_year', 'verify')
) NOT VALID;
COMMENT ON TABLE motcua.page_requests IS 'Requests that people made on a page. If a request makes the system text citizens, keeps messages from them or changes who gets mails, the Department first gets a mail about it and has time to withdraw it; then a worker carries it out. Other requests are carried out at once or by the next worker. Holds no phone number and no name of a citizen.';
COMMENT ON COLUMN motcua.page_requests.kind IS 'Kind of the request. map_status: a status code of a source is mapped. release: messages of unknown outcome are released. recipients: who gets an agency''s reports. export_form: how a source writes its exports. stop, go: a stop begins or ends. confirm_year: a calendar year is confirmed or no longer confirmed. verify: a publication is verified again.';
COMMENT ON COLUMN motcua.page_requests.subject IS 'What the request is about: source and status, agency, source, stop, province and year, or publication. Only one request of a kind may be open for a subject. If the column is empty, several may be open.';
COMMENT ON COLUMN motcua.page_requests.told_at IS 'When a mail server accepted the mail about the request to the Department. For a request that needs no mail: when the request was made. Empty: the mail was not accepted yet, or the request was carried out at once.';
COMMENT ON COLUMN motcua.page_requests.released IS 'Number of messages that were released, or that were sent at a stop''s end; for the kinds release and go only.';
