-- Attempts to hand messages to gateways, and releases. A release is a person's order to send a message of unknown
-- outcome once more.

CREATE TABLE motcua.attempts (
    attempt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id bigint NOT NULL REFERENCES motcua.messages,
    gateway text NOT NULL REFERENCES motcua.gateways,
    reference text NOT NULL UNIQUE,
    sender_id bigint NOT NULL,
    run_id text NOT NULL,
    run_no bigint DEFAULT nullif(current_setting('motcua.run', TRUE), '')::bigint,
    msisdn text,
    segments smallint,
    unit text CHECK (unit IN ('segment', 'message')),
    accented boolean,
    carrier text,
    state text NOT NULL DEFAULT 'in_flight' CHECK (state IN (
        'in_flight', 'accepted', 'rejected', 'failed', 'unknown', 'delivered', 'undelivered'
    )),
    started_at timestamptz NOT NULL,
    answered_at timestamptz,
    outcome text
    CHECK (
        outcome IN (
            'accepted', 'duplicate', 'phone', 'unreachable', 'configuration', 'transient', 'unknown', 'receipt'
        )
    ),
    concerns text CHECK (concerns IN ('gateway', 'carrier', 'template', 'message')),
    http_status smallint,
    gateway_code text,
    gateway_reference text,
    settle_at timestamptz,
    settlings smallint NOT NULL DEFAULT 0,
    released boolean NOT NULL DEFAULT FALSE,
    purged_at timestamptz,
    CONSTRAINT attempts_number CHECK ((msisdn IS NULL) = (purged_at IS NOT NULL))
);
CREATE INDEX attempts_message ON motcua.attempts (message_id, attempt_id);
CREATE INDEX attempts_in_flight ON motcua.attempts (sender_id) WHERE state = 'in_flight';
CREATE INDEX attempts_run ON motcua.attempts (run_id);
-- This index makes the database refuse a second attempt of a message if an earlier attempt reached the phone or may
-- still reach it. A released attempt does not prevent a second attempt. The table releases has the person who released
-- the earlier attempt.
CREATE UNIQUE INDEX attempts_one_open ON motcua.attempts (message_id)
WHERE state IN ('in_flight', 'unknown', 'accepted', 'delivered') AND NOT released;
CREATE INDEX attempts_unsettled ON motcua.attempts (gateway, settle_at) WHERE state IN ('unknown', 'accepted');
-- Only the few attempts with the outcome unreachable are in this index, so storing another attempt does not write to
-- the index.
CREATE INDEX attempts_unreachable ON motcua.attempts (msisdn, gateway) WHERE outcome = 'unreachable';
CREATE INDEX attempts_carrier_refused ON motcua.attempts (gateway, answered_at) WHERE concerns = 'carrier';
COMMENT ON TABLE motcua.attempts IS 'Attempts (lần gửi) to hand a message to a gateway, each committed before its HTTP call.';
COMMENT ON COLUMN motcua.attempts.attempt_id IS 'Our number of the attempt.';
COMMENT ON COLUMN motcua.attempts.message_id IS 'The message that the attempt hands over.';
COMMENT ON COLUMN motcua.attempts.gateway IS 'The gateway to which the attempt hands the message.';
COMMENT ON COLUMN motcua.attempts.reference IS 'Our own reference, which is sent along and which delivery receipts name.';
COMMENT ON COLUMN motcua.attempts.sender_id IS 'Number of the sender that made the attempt. The sender holds an advisory lock with this number as long as its process runs.';
COMMENT ON COLUMN motcua.attempts.run_id IS 'Name of the DAG run that made the attempt.';
COMMENT ON COLUMN motcua.attempts.run_no IS 'Our number of the run, which distinguishes runs with the same name.';
COMMENT ON COLUMN motcua.attempts.msisdn IS 'Phone number to which the message was sent. Personal data.';
COMMENT ON COLUMN motcua.attempts.segments IS 'Number of units that were handed over: SMS segments, or the units that the column unit names.';
COMMENT ON COLUMN motcua.attempts.unit IS 'Unit that the gateway counts and bills: segment or message; empty: segment.';
COMMENT ON COLUMN motcua.attempts.accented IS 'Whether the text was sent with accents; empty: as its message was planned.';
COMMENT ON COLUMN motcua.attempts.carrier IS 'Carrier of the number, as assumed for this attempt; empty: not known.';
COMMENT ON COLUMN motcua.attempts.state IS 'State: in_flight at first; accepted, rejected, failed or unknown by the gateway''s answer; delivered or undelivered by delivery receipts.';
COMMENT ON COLUMN motcua.attempts.started_at IS 'When the attempt was committed.';
COMMENT ON COLUMN motcua.attempts.answered_at IS 'When the gateway''s answer, or the lack of an answer, was written.';
COMMENT ON COLUMN motcua.attempts.outcome IS 'Class of the answer. phone: no gateway reaches this phone number. unreachable: this gateway does not reach the number, for example because the phone has no account there. For a time, this gateway is not tried for the number again. transient: the gateway refuses for the moment. receipt: a delivery receipt ended the attempt, and no answer of the gateway is written (yet).';
COMMENT ON COLUMN motcua.attempts.concerns IS 'What a configuration error is about: gateway, carrier, template or message.';
COMMENT ON COLUMN motcua.attempts.http_status IS 'HTTP status of the gateway''s answer.';
COMMENT ON COLUMN motcua.attempts.gateway_code IS 'Code or text with which the gateway answered, without phone numbers.';
COMMENT ON COLUMN motcua.attempts.gateway_reference IS 'The gateway''s own reference, with which the gateway is queried. It may be made from the phone number. Personal data.';
COMMENT ON COLUMN motcua.attempts.settle_at IS 'Time before which the gateway is not queried about the attempt, and the request is not repeated under the same reference.';
COMMENT ON COLUMN motcua.attempts.settlings IS 'How often the gateway was queried about the attempt, or the request was repeated under the same reference.';
COMMENT ON COLUMN motcua.attempts.released IS 'Whether a person decided that the message may be sent again although the outcome of this attempt is unknown.';
COMMENT ON COLUMN motcua.attempts.purged_at IS 'When the phone number was emptied.';

CREATE TABLE motcua.releases (
    release_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id bigint NOT NULL REFERENCES motcua.messages,
    attempt_id bigint NOT NULL UNIQUE REFERENCES motcua.attempts,
    released_at timestamptz NOT NULL,
    released_by text NOT NULL CHECK (btrim(released_by) <> ''),
    reason text NOT NULL CHECK (btrim(reason) <> '')
);
CREATE INDEX releases_message ON motcua.releases (message_id);
COMMENT ON TABLE motcua.releases IS 'Releases: a person decided that a message of unknown outcome is sent again, with the same text and to the dossier''s number; append-only.';
COMMENT ON COLUMN motcua.releases.release_id IS 'Our number of the release.';
COMMENT ON COLUMN motcua.releases.message_id IS 'The message that was released.';
COMMENT ON COLUMN motcua.releases.attempt_id IS 'The attempt of unknown outcome. A delivery receipt may still come for it.';
COMMENT ON COLUMN motcua.releases.released_at IS 'When the message was released.';
COMMENT ON COLUMN motcua.releases.released_by IS 'The person who released the message, or the backfill that was started to do so.';
COMMENT ON COLUMN motcua.releases.reason IS 'Reason of the person who released the message.';
