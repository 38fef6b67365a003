-- Tries to hand a message to a gateway, and who released one of unknown outcome.

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
-- No second attempt while an earlier one is, or may be, on its way to the phone: the database itself refuses a double.
-- One that was released no longer stands in the way: who released it is in releases.
CREATE UNIQUE INDEX attempts_one_open ON motcua.attempts (message_id)
WHERE state IN ('in_flight', 'unknown', 'accepted', 'delivered') AND NOT released;
CREATE INDEX attempts_unsettled ON motcua.attempts (gateway, settle_at) WHERE state IN ('unknown', 'accepted');
-- Refusals are few, so this costs the other attempts nothing.
CREATE INDEX attempts_unreachable ON motcua.attempts (msisdn, gateway) WHERE outcome = 'unreachable';
CREATE INDEX attempts_carrier_refused ON motcua.attempts (gateway, answered_at) WHERE concerns = 'carrier';
COMMENT ON TABLE motcua.attempts IS 'Tries (lần gửi) to hand a message to a gateway, each committed before its HTTP call.';
COMMENT ON COLUMN motcua.attempts.attempt_id IS 'Our number.';
COMMENT ON COLUMN motcua.attempts.message_id IS 'The message.';
COMMENT ON COLUMN motcua.attempts.gateway IS 'The gateway tried.';
COMMENT ON COLUMN motcua.attempts.reference IS 'Our own reference, sent along and named by receipts.';
COMMENT ON COLUMN motcua.attempts.sender_id IS 'Advisory lock held by the sender while it lives.';
COMMENT ON COLUMN motcua.attempts.run_id IS 'DAG run that made the attempt.';
COMMENT ON COLUMN motcua.attempts.run_no IS 'The run, by our number: it tells runs of one name apart.';
COMMENT ON COLUMN motcua.attempts.msisdn IS 'Number it went to. Personal data.';
COMMENT ON COLUMN motcua.attempts.segments IS 'Units handed over: SMS segments, or what unit says.';
COMMENT ON COLUMN motcua.attempts.unit IS 'What the gateway counts and bills: segment or message; empty: segment.';
COMMENT ON COLUMN motcua.attempts.accented IS 'Sent with accents; empty: as its message was planned.';
COMMENT ON COLUMN motcua.attempts.carrier IS 'The number''s carrier, as it was taken to be; empty: not known.';
COMMENT ON COLUMN motcua.attempts.state IS 'in_flight, then by the answer accepted, rejected, failed or unknown, then by receipts delivered or undelivered.';
COMMENT ON COLUMN motcua.attempts.started_at IS 'When it was committed.';
COMMENT ON COLUMN motcua.attempts.answered_at IS 'When the gateway''s answer, or its absence, was written.';
COMMENT ON COLUMN motcua.attempts.outcome IS 'Class of the answer; unreachable: the gateway does not reach this number, as one without an account there, and is not asked about it again for a time; receipt: a receipt told how it ended, and no answer was written (yet).';
COMMENT ON COLUMN motcua.attempts.concerns IS 'What a configuration answer was about.';
COMMENT ON COLUMN motcua.attempts.http_status IS 'HTTP status of the answer.';
COMMENT ON COLUMN motcua.attempts.gateway_code IS 'The gateway''s code or words, without numbers.';
COMMENT ON COLUMN motcua.attempts.gateway_reference IS 'The gateway''s own reference, by which it is asked; it may be made of the number. Personal data.';
COMMENT ON COLUMN motcua.attempts.settle_at IS 'Not to be asked about, or repeated under the same reference, before then.';
COMMENT ON COLUMN motcua.attempts.settlings IS 'How often the gateway was asked about it or given it again under the same reference.';
COMMENT ON COLUMN motcua.attempts.released IS 'A person decided that the message may be sent again although this attempt''s end is not known.';
COMMENT ON COLUMN motcua.attempts.purged_at IS 'When the number was emptied.';

CREATE TABLE motcua.releases (
    release_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id bigint NOT NULL REFERENCES motcua.messages,
    attempt_id bigint NOT NULL UNIQUE REFERENCES motcua.attempts,
    released_at timestamptz NOT NULL,
    released_by text NOT NULL CHECK (btrim(released_by) <> ''),
    reason text NOT NULL CHECK (btrim(reason) <> '')
);
CREATE INDEX releases_message ON motcua.releases (message_id);
COMMENT ON TABLE motcua.releases IS 'Messages of unknown outcome that a person let go again, with the words and to the dossier''s number as before; append-only.';
COMMENT ON COLUMN motcua.releases.release_id IS 'Our number.';
COMMENT ON COLUMN motcua.releases.message_id IS 'The message.';
COMMENT ON COLUMN motcua.releases.attempt_id IS 'The attempt whose end is not known; a receipt may still come for it.';
COMMENT ON COLUMN motcua.releases.released_at IS 'When.';
COMMENT ON COLUMN motcua.releases.released_by IS 'Who: a person, or the backfill that was told to.';
COMMENT ON COLUMN motcua.releases.reason IS 'Why, in that person''s words.';
