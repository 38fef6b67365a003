-- What a page asks for: done at once, by a worker, or by a worker after the Department was mailed.

CREATE TABLE motcua.page_requests (
    request_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (
        kind IN ('map_status', 'release', 'recipients', 'export_form', 'stop', 'go', 'confirm_year', 'verify')
    ),
    subject text CHECK (btrim(subject) <> ''),
    wanted jsonb NOT NULL CHECK (jsonb_typeof(wanted) = 'object' AND octet_length(wanted::text) <= 65536),
    asked_at timestamptz NOT NULL DEFAULT now(),
    asked_by text NOT NULL CHECK (btrim(asked_by) <> '' AND length(asked_by) <= 200),
    told_at timestamptz,
    applies_at timestamptz,
    told jsonb,
    untold_because text,
    ended_at timestamptz,
    ended_by text CHECK (btrim(ended_by) <> '' AND length(ended_by) <= 200),
    outcome text CHECK (outcome IN ('done', 'withdrawn', 'changed', 'nothing_left', 'refused')),
    released integer,
    CHECK ((told_at IS NULL) = (applies_at IS NULL) AND (told_at IS NULL) = (told IS NULL)),
    CHECK (applies_at >= told_at),
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK ((outcome = 'withdrawn') = (ended_by IS NOT NULL)),
    -- Addresses are personal data of staff: they stay no longer than they are needed.
    CHECK (ended_at IS NULL OR NOT wanted ? 'addresses')
);
CREATE UNIQUE INDEX page_requests_open ON motcua.page_requests (kind, subject) WHERE ended_at IS NULL;
COMMENT ON TABLE motcua.page_requests IS 'What somebody asked for on a page. What has citizens told, tells some no more or changes who gets mails is done by a worker once the Department was mailed whom it would tell and had time to withdraw it; everything else at once, or by the next worker. Holds no phone number and no name of a citizen.';
COMMENT ON COLUMN motcua.page_requests.request_no IS 'Our number.';
COMMENT ON COLUMN motcua.page_requests.kind IS 'map_status: what a status of a source stands for; release: messages of unknown outcome go again; recipients: who gets an agency''s reports; export_form: how a source writes its exports; stop, go: nothing is sent of a kind or an agency, and that ends; confirm_year: a calendar''s year was held against the announcement, or was not; verify: a publication is verified again.';
COMMENT ON COLUMN motcua.page_requests.subject IS 'What only one open request may be about: source and status, agency, source, stop, province and year, or publication; empty: there may be several.';
COMMENT ON COLUMN motcua.page_requests.wanted IS 'What is asked for, and what it was asked over. Mail addresses, personal data of staff, only while it is open.';
COMMENT ON COLUMN motcua.page_requests.asked_at IS 'When, by the ledger''s clock.';
COMMENT ON COLUMN motcua.page_requests.asked_by IS 'Who asked for it, as the page says. Personal data of staff.';
COMMENT ON COLUMN motcua.page_requests.told_at IS 'When a mail server had taken the mail to the Department; of what needs none, when it was asked; empty: not yet, or it was done at once.';
COMMENT ON COLUMN motcua.page_requests.applies_at IS 'When it may be done, if nobody withdraws it.';
COMMENT ON COLUMN motcua.page_requests.told IS 'Whom it would tell, as the mail said: sums by agency. Holds no mail address.';
COMMENT ON COLUMN motcua.page_requests.untold_because IS 'Why the last mail reached nobody; holds no address.';
COMMENT ON COLUMN motcua.page_requests.ended_at IS 'When it was done, withdrawn, or could not be done; empty: it is open.';
COMMENT ON COLUMN motcua.page_requests.ended_by IS 'Who withdrew it, as the page says; empty: nobody did. Personal data of staff.';
COMMENT ON COLUMN motcua.page_requests.outcome IS 'done; withdrawn; changed: what it was asked over is otherwise now; nothing_left: no message of it waits any more; refused: it contradicts a rule of the ledger.';
COMMENT ON COLUMN motcua.page_requests.released IS 'How many messages went again, or went at a stop''s end; of a release or a go alone.';
