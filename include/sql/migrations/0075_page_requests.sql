-- depends: 0073_sleeps
-- Add the table of requests that people make on a page. A worker carries out a request after the Department was mailed
-- about it. Also end the mappings of the contract's own status codes, which an earlier version allowed.

CREATE TABLE motcua.page_requests (
    request_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('map_status', 'release', 'recipients', 'export_form')),
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
    -- Addresses are personal data of staff, so they are stored only while the request is open.
    CHECK (ended_at IS NULL OR NOT wanted ? 'addresses')
);
CREATE UNIQUE INDEX page_requests_open ON motcua.page_requests (kind, subject) WHERE ended_at IS NULL;
COMMENT ON TABLE motcua.page_requests IS 'What somebody asked for on a page that has citizens told, tells some no more or changes who gets mails: done by a worker once the Department was mailed whom it would tell and had time to withdraw it. Holds no phone number and no name of a citizen.';
COMMENT ON COLUMN motcua.page_requests.request_no IS 'Our number.';
COMMENT ON COLUMN motcua.page_requests.kind IS 'map_status: what a status of a source stands for; release: messages of unknown outcome go again; recipients: who gets an agency''s reports; export_form: how a source writes its exports.';
COMMENT ON COLUMN motcua.page_requests.subject IS 'What only one open request may be about: source and status, agency, or source; empty: there may be several.';
COMMENT ON COLUMN motcua.page_requests.wanted IS 'What is asked for, and what it was asked over. Mail addresses, personal data of staff, only while it is open.';
COMMENT ON COLUMN motcua.page_requests.asked_at IS 'When, by the ledger''s clock.';
COMMENT ON COLUMN motcua.page_requests.asked_by IS 'Who asked for it, as the page says. Personal data of staff.';
COMMENT ON COLUMN motcua.page_requests.told_at IS 'When a mail server had taken the mail to the Department; empty: not yet.';
COMMENT ON COLUMN motcua.page_requests.applies_at IS 'When it may be done, if nobody withdraws it.';
COMMENT ON COLUMN motcua.page_requests.told IS 'Whom it would tell, as the mail said: sums by agency. Holds no mail address.';
COMMENT ON COLUMN motcua.page_requests.untold_because IS 'Why the last mail reached nobody; holds no address.';
COMMENT ON COLUMN motcua.page_requests.ended_at IS 'When it was done, withdrawn, or could not be done; empty: it is open.';
COMMENT ON COLUMN motcua.page_requests.ended_by IS 'Who withdrew it, as the page says; empty: nobody did. Personal data of staff.';
COMMENT ON COLUMN motcua.page_requests.outcome IS 'done; withdrawn; changed: what it was asked over is otherwise now; nothing_left: no message of it waits any more; refused: it contradicts a rule of the ledger.';
COMMENT ON COLUMN motcua.page_requests.released IS 'How many messages went again; of a release alone.';

-- The status codes 1 to 10 belong to the contract. An existing mapping of such a code ends with the thirtieth day after
-- this migration, by Vietnam time, or earlier if somebody maps the code to itself. The default gives this date to all
-- existing rows and is then dropped, so that later rows get no date. For other codes the date has no effect.
ALTER TABLE motcua.status_maps
ADD COLUMN ends_at timestamptz DEFAULT date_trunc('day', now(), 'Asia/Ho_Chi_Minh') + interval '31 days';
ALTER TABLE motcua.status_maps ALTER COLUMN ends_at DROP DEFAULT;
COMMENT ON COLUMN motcua.status_maps.ends_at IS 'Of a code of the contract, which an earlier version let somebody map: until when that holds. Means nothing of any other code.';
ALTER TABLE motcua.status_maps
ADD CONSTRAINT codes_of_the_contract_are_not_mapped
CHECK (source_status < 1 OR source_status > 10 OR status_code = source_status) NOT VALID;
