-- Requests that people make on staff pages. Some requests are carried out at once, and some by the next worker. For the
-- other requests, a mail is sent to the Department, which runs the system. A worker carries these out when a set time
-- (MOTCUA_REQUESTS_AFTER) has passed after the mail.

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
    -- Mail addresses are personal data of staff, so they are deleted from the column wanted when the request ends.
    CHECK (ended_at IS NULL OR NOT wanted ? 'addresses')
);
CREATE UNIQUE INDEX page_requests_open ON motcua.page_requests (kind, subject) WHERE ended_at IS NULL;
COMMENT ON TABLE motcua.page_requests IS 'Requests that people made on a staff page. A stop of sending, its end, and a mapping of a status code that causes no text to citizens are carried out at once. The next worker carries out confirm_year and verify. About every other request, the Department, which runs the system, first gets a mail and has time to withdraw the request; then a worker carries it out. Holds no phone number and no name of a citizen.';
COMMENT ON COLUMN motcua.page_requests.request_no IS 'Our number of the request.';
COMMENT ON COLUMN motcua.page_requests.kind IS 'Kind of the request. map_status: a status code of a source is mapped. release: messages of unknown outcome are sent again. recipients: who gets an agency''s reports. export_form: how a source writes its exports. stop, go: a stop of sending begins or ends. confirm_year: the days off of a year are confirmed or no longer confirmed. verify: a publication (the published files of a period''s figures) is verified again.';
COMMENT ON COLUMN motcua.page_requests.subject IS 'What the request is about: source and status, agency, source, stop, province and year, or publication. Only one request of a kind may be open for a subject. If the column is empty, several may be open.';
COMMENT ON COLUMN motcua.page_requests.wanted IS 'What is to be done, and the values that the person saw when making the request. Mail addresses, which are personal data of staff, are in it only while the request is open.';
COMMENT ON COLUMN motcua.page_requests.asked_at IS 'When the request was made, by the ledger''s clock.';
COMMENT ON COLUMN motcua.page_requests.asked_by IS 'Person who made the request, as the page states. Personal data of staff.';
COMMENT ON COLUMN motcua.page_requests.told_at IS 'When a mail server accepted the mail to the Department about the request. For a request that needs no mail but waits for a worker: when the request was made. Empty: the mail was not accepted yet, or the request was carried out at once.';
COMMENT ON COLUMN motcua.page_requests.applies_at IS 'When the request may be carried out, if nobody withdraws it.';
COMMENT ON COLUMN motcua.page_requests.told IS 'What the mail stated about the effect of the request, such as the number of dossiers or messages by agency. Holds no mail address.';
COMMENT ON COLUMN motcua.page_requests.untold_because IS 'Why the last mail about the request could not be sent; holds no mail address.';
COMMENT ON COLUMN motcua.page_requests.ended_at IS 'When the request was carried out or withdrawn, or could not be carried out; empty: it is open.';
COMMENT ON COLUMN motcua.page_requests.ended_by IS 'Person who withdrew the request, as the page states; empty: nobody did. Personal data of staff.';
COMMENT ON COLUMN motcua.page_requests.outcome IS 'How the request ended. done: it was carried out; withdrawn: a person withdrew it; changed: the values that the person saw had changed meanwhile; nothing_left: none of its messages was waiting any more; refused: it contradicts a rule of the ledger.';
COMMENT ON COLUMN motcua.page_requests.released IS 'Number of messages that were released, or that were sent at a stop''s end; for the kinds release and go only.';
