-- depends: 0092_code_tails
-- Allow more kinds of page requests: begin a stop (stop), end a stop (go), confirm a calendar's year or revoke the
-- confirmation (confirm_year), and verify a publication again (verify).
ALTER TABLE motcua.page_requests
DROP CONSTRAINT page_requests_kind_check,
ADD CONSTRAINT page_requests_kind_check CHECK (
    kind IN ('map_status', 'release', 'recipients', 'export_form', 'stop', 'go', 'confirm_year', 'verify')
) NOT VALID;
COMMENT ON TABLE motcua.page_requests IS 'What somebody asked for on a page. What has citizens told, tells some no more or changes who gets mails is done by a worker once the Department was mailed whom it would tell and had time to withdraw it; everything else at once, or by the next worker. Holds no phone number and no name of a citizen.';
COMMENT ON COLUMN motcua.page_requests.kind IS 'map_status: what a status of a source stands for; release: messages of unknown outcome go again; recipients: who gets an agency''s reports; export_form: how a source writes its exports; stop, go: nothing is sent of a kind or an agency, and that ends; confirm_year: a calendar''s year was held against the announcement, or was not; verify: a publication is verified again.';
COMMENT ON COLUMN motcua.page_requests.subject IS 'What only one open request may be about: source and status, agency, source, stop, province and year, or publication; empty: there may be several.';
COMMENT ON COLUMN motcua.page_requests.told_at IS 'When a mail server had taken the mail to the Department; of what needs none, when it was asked; empty: not yet, or it was done at once.';
COMMENT ON COLUMN motcua.page_requests.released IS 'How many messages went again, or went at a stop''s end; of a release or a go alone.';
