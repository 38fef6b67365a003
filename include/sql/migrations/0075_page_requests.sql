-- depends: 0073_sleeps
-- Add the table of requests that people make on a page. A worker carries out a request after the Department was mailed
-- about it. Also give an end to the mappings of the status codes 1 to 10, which an earlier version allowed.

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
COMMENT ON TABLE motcua.page_requests IS 'Requests that people made on a page. A request makes the system text citizens, keeps messages from them or changes who gets mails. The Department first gets a mail about it and has time to withdraw it; then a worker carries it out. Holds no phone number and no name of a citizen.';
COMMENT ON COLUMN motcua.page_requests.request_no IS 'Our number of the request.';
COMMENT ON COLUMN motcua.page_requests.kind IS 'Kind of the request. map_status: a status code of a source is mapped. release: messages of unknown outcome are released. recipients: who gets an agency''s reports. export_form: how a source writes its exports.';
COMMENT ON COLUMN motcua.page_requests.subject IS 'What the request is about: source and status, agency, or source. Only one request of a kind may be open for a subject. If the column is empty, several may be open.';
COMMENT ON COLUMN motcua.page_requests.wanted IS 'What is to be done, and the values that the person saw when making the request. Mail addresses, which are personal data of staff, are in it only while the request is open.';
COMMENT ON COLUMN motcua.page_requests.asked_at IS 'When the request was made, by the ledger''s clock.';
COMMENT ON COLUMN motcua.page_requests.asked_by IS 'Person who made the request, as the page states. Personal data of staff.';
COMMENT ON COLUMN motcua.page_requests.told_at IS 'When a mail server accepted the mail about the request to the Department; empty: it was not accepted yet.';
COMMENT ON COLUMN motcua.page_requests.applies_at IS 'When the request may be carried out, if nobody withdraws it.';
COMMENT ON COLUMN motcua.page_requests.told IS 'Numbers that the mail stated: how many citizens the request would text, as sums by agency. Holds no mail address.';
COMMENT ON COLUMN motcua.page_requests.untold_because IS 'Why the last mail about the request could not be sent; holds no mail address.';
COMMENT ON COLUMN motcua.page_requests.ended_at IS 'When the request was carried out or withdrawn, or could not be carried out; empty: it is open.';
COMMENT ON COLUMN motcua.page_requests.ended_by IS 'Person who withdrew the request, as the page states; empty: nobody did. Personal data of staff.';
COMMENT ON COLUMN motcua.page_requests.outcome IS 'How the request ended. done: it was carried out; withdrawn: a person withdrew it; changed: the values that the person saw had changed meanwhile; nothing_left: none of its messages was waiting any more; refused: it contradicts a rule of the ledger.';
COMMENT ON COLUMN motcua.page_requests.released IS 'Number of messages that were released; for the kind release only.';

-- The status codes 1 to 10 have a fixed meaning by the source contract. An existing mapping of such a code ends with
-- the thirtieth day after this migration, by Vietnam time, or earlier if somebody maps the code to itself. The default
-- gives this date to all existing rows and is then dropped, so that later rows get no date. For other codes the date
-- has no effect.
ALTER TABLE motcua.status_maps
ADD COLUMN ends_at timestamptz DEFAULT date_trunc('day', now(), 'Asia/Ho_Chi_Minh') + interval '31 days';
ALTER TABLE motcua.status_maps ALTER COLUMN ends_at DROP DEFAULT;
COMMENT ON COLUMN motcua.status_maps.ends_at IS 'Earlier versions allowed a mapping of the codes 1-10. Such a mapping holds until this time. For other codes the column has no meaning.';
ALTER TABLE motcua.status_maps
ADD CONSTRAINT codes_of_the_contract_are_not_mapped
CHECK (source_status < 1 OR source_status > 10 OR status_code = source_status) NOT VALID;
