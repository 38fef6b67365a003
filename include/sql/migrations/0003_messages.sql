-- depends: 0002_dossiers_and_transitions
-- Messages, attempts, receipts; the moves between a message's states are data that the database itself enforces.

CREATE TABLE motcua.message_states (
    state text PRIMARY KEY,
    may_begin boolean NOT NULL,
    meaning text NOT NULL
);
COMMENT ON TABLE motcua.message_states IS 'The closed list of a message''s states: the terms of the accounting identity.';
COMMENT ON COLUMN motcua.message_states.state IS 'Name.';
COMMENT ON COLUMN motcua.message_states.may_begin IS 'A new message may have this state.';
COMMENT ON COLUMN motcua.message_states.meaning IS 'What it says.';
INSERT INTO motcua.message_states (state, may_begin, meaning) VALUES
('suppressed', TRUE, 'Never to be sent, with the reason.'),
('cancelled', TRUE, 'Stopped before the call, because the dossier changed.'),
('expired', TRUE, 'Never accepted while it was useful.'),
('queued', TRUE, 'Waiting to be sent.'),
('sending', FALSE, 'An attempt is in flight.'),
('unknown', FALSE, 'An attempt ended without an answer; only a receipt, the gateway or its policy settles it.'),
('rejected', FALSE, 'The gateway refused it for good.'),
('accepted', FALSE, 'The gateway took it.'),
('delivered', FALSE, 'A receipt says that the phone has it.'),
('undelivered', FALSE, 'A receipt says that the phone will not have it.'),
('unconfirmed', FALSE, 'Accepted, the gateway''s horizon passed, no receipt.');

CREATE TABLE motcua.message_moves (
    from_state text NOT NULL REFERENCES motcua.message_states,
    to_state text NOT NULL REFERENCES motcua.message_states,
    cause text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
COMMENT ON TABLE motcua.message_moves IS 'The allowed moves of a message; every other one is refused by a trigger.';
COMMENT ON COLUMN motcua.message_moves.from_state IS 'State left.';
COMMENT ON COLUMN motcua.message_moves.to_state IS 'State reached.';
COMMENT ON COLUMN motcua.message_moves.cause IS 'What brings the move about.';
INSERT INTO motcua.message_moves (from_state, to_state, cause) VALUES
('queued', 'sending', 'claimed by a sender'),
('queued', 'cancelled', 'the dossier changed'),
('queued', 'suppressed', 'the phone was spoilt, the kind switched off, or the citizen already told'),
('queued', 'expired', 'no longer useful'),
('queued', 'accepted', 'a receipt proves that an attempt was taken although its answer was a failure'),
('queued', 'delivered', 'a receipt proves that an attempt was taken although its answer was a failure'),
('queued', 'undelivered', 'a receipt proves that an attempt was taken although its answer was a failure'),
('sending', 'accepted', 'the gateway took it'),
('sending', 'rejected', 'the gateway refused it for good'),
('sending', 'queued', 'a passing failure, to be tried again'),
('sending', 'unknown', 'no answer: time-out, reset or crash'),
('sending', 'delivered', 'a receipt overtook the answer'),
('sending', 'undelivered', 'a receipt overtook the answer'),
('unknown', 'accepted', 'a receipt or the gateway says that it was taken'),
('unknown', 'delivered', 'a receipt'),
('unknown', 'undelivered', 'a receipt'),
('unknown', 'rejected', 'the gateway says that it refused it'),
('unknown', 'queued', 'released by the gateway''s policy'),
('accepted', 'delivered', 'a receipt'),
('accepted', 'undelivered', 'a receipt'),
('accepted', 'unconfirmed', 'the gateway''s horizon passed'),
('unconfirmed', 'delivered', 'a late receipt'),
('unconfirmed', 'undelivered', 'a late receipt'),
('undelivered', 'delivered', 'a receipt corrects an earlier one'),
('undelivered', 'queued', 'the desk mended the phone'),
('rejected', 'queued', 'the desk mended the phone'),
('suppressed', 'queued', 'the desk mended the phone'),
('suppressed', 'suppressed', 'the reason changed'),
('queued', 'queued', 'the phone, the text or the time of the next attempt changed');

CREATE TABLE motcua.messages (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('result', 'supplement', 'apology', 'reply')),
    dossier_id bigint REFERENCES motcua.dossiers,
    agency_code text REFERENCES motcua.agencies,
    procedure_code text,
    occasion text NOT NULL,
    transition_id bigint REFERENCES motcua.transitions,
    state text NOT NULL REFERENCES motcua.message_states,
    reason text,
    msisdn text,
    text text NOT NULL,
    template_id text NOT NULL,
    template_version smallint NOT NULL,
    parameters text[] NOT NULL,
    accented boolean NOT NULL,
    segments smallint NOT NULL CHECK (segments > 0),
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    planned_at timestamptz NOT NULL,
    useful_until timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    attempts_made smallint NOT NULL DEFAULT 0,
    accepted_at timestamptz,
    changed_at timestamptz NOT NULL,
    UNIQUE (dossier_id, kind, occasion),
    CHECK (dossier_id IS NOT NULL OR kind = 'reply'),
    CHECK (transition_id IS NOT NULL OR kind NOT IN ('result', 'supplement')),
    CHECK (state NOT IN ('suppressed', 'cancelled', 'expired', 'rejected') OR reason IS NOT NULL),
    CHECK (state <> 'suppressed' OR reason IN (
        'missing', 'too_short', 'too_long', 'bad_chars', 'landline', 'ambiguous_landline', 'service_1800_1900',
        'emergency_short', 'dummy', 'repeated_digits', 'sequence', 'foreign', 'id_card_like', 'not_a_phone',
        'same_day', 'kind_off', 'already_told'
    ))
);
CREATE INDEX messages_due ON motcua.messages (next_attempt_at, message_id) WHERE state = 'queued';
CREATE INDEX messages_open ON motcua.messages (state) WHERE state IN ('sending', 'unknown');
CREATE INDEX messages_dossier ON motcua.messages (dossier_id);
CREATE UNIQUE INDEX messages_transition ON motcua.messages (transition_id) WHERE kind IN ('result', 'supplement');
CREATE INDEX messages_for_phone ON motcua.messages (useful_until) WHERE state IN (
    'suppressed', 'undelivered', 'rejected'
);
CREATE INDEX messages_recorded ON motcua.messages (recorded_at);
COMMENT ON TABLE motcua.messages IS 'Intended SMS (tin nhắn), one for each occasion, also when it is never sent. Holds personal data.';
COMMENT ON COLUMN motcua.messages.message_id IS 'Our number.';
COMMENT ON COLUMN motcua.messages.kind IS 'result, supplement, apology or reply.';
COMMENT ON COLUMN motcua.messages.dossier_id IS 'The dossier; empty for a reply about no known dossier.';
COMMENT ON COLUMN motcua.messages.agency_code IS 'Agency of the dossier.';
COMMENT ON COLUMN motcua.messages.procedure_code IS 'Procedure of the dossier when the message was planned.';
COMMENT ON COLUMN motcua.messages.occasion IS 'The entry into the condition that the message is for; unique with dossier and kind.';
COMMENT ON COLUMN motcua.messages.transition_id IS 'Transition that began the occasion.';
COMMENT ON COLUMN motcua.messages.state IS 'One of message_states.';
COMMENT ON COLUMN motcua.messages.reason IS 'Why it is in that state, where that needs saying.';
COMMENT ON COLUMN motcua.messages.msisdn IS 'Number it goes to, E.164. Personal data.';
COMMENT ON COLUMN motcua.messages.text IS 'The words sent. Personal data.';
COMMENT ON COLUMN motcua.messages.template_id IS 'Template it was rendered from.';
COMMENT ON COLUMN motcua.messages.template_version IS 'Version of that template.';
COMMENT ON COLUMN motcua.messages.parameters IS 'Values in the template''s order, for providers that take only these. Personal data.';
COMMENT ON COLUMN motcua.messages.accented IS 'Rendered with accents.';
COMMENT ON COLUMN motcua.messages.segments IS 'SMS segments it is billed as.';
COMMENT ON COLUMN motcua.messages.occurred_at IS 'When the event happened that it tells of.';
COMMENT ON COLUMN motcua.messages.recorded_at IS 'When the source recorded that event; backfill windows compare it.';
COMMENT ON COLUMN motcua.messages.planned_at IS 'When the message was planned.';
COMMENT ON COLUMN motcua.messages.useful_until IS 'Not sent by then: expired.';
COMMENT ON COLUMN motcua.messages.next_attempt_at IS 'Not to be tried before then.';
COMMENT ON COLUMN motcua.messages.attempts_made IS 'Attempts begun.';
COMMENT ON COLUMN motcua.messages.accepted_at IS 'When a gateway took it.';
COMMENT ON COLUMN motcua.messages.changed_at IS 'When its state last changed.';

ALTER TABLE motcua.transitions ADD FOREIGN KEY (message_id) REFERENCES motcua.messages;

CREATE TABLE motcua.message_history (
    history_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id bigint NOT NULL REFERENCES motcua.messages,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_state text,
    from_reason text,
    to_state text NOT NULL,
    to_reason text
);
CREATE INDEX message_history_message ON motcua.message_history (message_id, history_id);
COMMENT ON TABLE motcua.message_history IS 'Every move of every message, append-only, written by a trigger.';
COMMENT ON COLUMN motcua.message_history.history_id IS 'Our number, growing.';
COMMENT ON COLUMN motcua.message_history.message_id IS 'The message.';
COMMENT ON COLUMN motcua.message_history.changed_at IS 'When.';
COMMENT ON COLUMN motcua.message_history.from_state IS 'State left; empty at the beginning.';
COMMENT ON COLUMN motcua.message_history.from_reason IS 'Reason left.';
COMMENT ON COLUMN motcua.message_history.to_state IS 'State reached.';
COMMENT ON COLUMN motcua.message_history.to_reason IS 'Reason reached.';

CREATE FUNCTION motcua.enforce_message_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT 1 FROM motcua.message_states WHERE state = NEW.state AND may_begin) THEN
            RAISE EXCEPTION 'a message may not begin as %', NEW.state USING ERRCODE = 'MC002';
        END IF;
    ELSIF NEW.state = OLD.state AND NEW.state NOT IN ('queued', 'suppressed') THEN
        IF (NEW.msisdn, NEW.text, NEW.occasion, NEW.dossier_id, NEW.kind)
            IS DISTINCT FROM (OLD.msisdn, OLD.text, OLD.occasion, OLD.dossier_id, OLD.kind) THEN
            RAISE EXCEPTION 'message % is %: its number and words are fixed', OLD.message_id, OLD.state
            USING ERRCODE = 'MC002';
        END IF;
    ELSIF NOT EXISTS (
        SELECT 1 FROM motcua.message_moves WHERE from_state = OLD.state AND to_state = NEW.state
    ) THEN
        RAISE EXCEPTION 'message % may not move from % to %', OLD.message_id, OLD.state, NEW.state
        USING ERRCODE = 'MC002';
    END IF;
    IF TG_OP = 'INSERT' OR NEW.state <> OLD.state THEN
        NEW.changed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER enforce_message_move BEFORE INSERT OR UPDATE ON motcua.messages
FOR EACH ROW EXECUTE FUNCTION motcua.enforce_message_move();

CREATE FUNCTION motcua.keep_message_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO motcua.message_history (message_id, to_state, to_reason)
        VALUES (NEW.message_id, NEW.state, NEW.reason);
    ELSIF (NEW.state, NEW.reason) IS DISTINCT FROM (OLD.state, OLD.reason) THEN
        INSERT INTO motcua.message_history (message_id, from_state, from_reason, to_state, to_reason)
        VALUES (NEW.message_id, OLD.state, OLD.reason, NEW.state, NEW.reason);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_message_history AFTER INSERT OR UPDATE ON motcua.messages
FOR EACH ROW EXECUTE FUNCTION motcua.keep_message_history();

CREATE FUNCTION motcua.occasion_holds(of_dossier bigint, since_transition bigint, of_kind text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT 1
        FROM motcua.transitions AS later
        INNER JOIN motcua.transitions AS first ON first.transition_id = since_transition
        WHERE
            later.dossier_id = of_dossier
            AND (later.sequence, later.from_row, later.transition_id)
            > (first.sequence, first.from_row, first.transition_id)
            AND motcua.condition_of(later.status_code, later.at_one_stop_desk) IS DISTINCT FROM of_kind
    )
$$;
COMMENT ON FUNCTION motcua.occasion_holds(bigint, bigint, text)
IS 'The dossier has not left the condition since the transition that began the occasion.';

CREATE TABLE motcua.attempts (
    attempt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id bigint NOT NULL REFERENCES motcua.messages,
    gateway text NOT NULL REFERENCES motcua.gateways,
    reference text NOT NULL UNIQUE,
    sender_id bigint NOT NULL,
    run_id text NOT NULL,
    msisdn text NOT NULL,
    state text NOT NULL DEFAULT 'in_flight' CHECK (state IN (
        'in_flight', 'accepted', 'rejected', 'failed', 'unknown', 'delivered', 'undelivered'
    )),
    started_at timestamptz NOT NULL,
    answered_at timestamptz,
    outcome text CHECK (outcome IN ('accepted', 'duplicate', 'phone', 'configuration', 'transient', 'unknown')),
    http_status smallint,
    gateway_code text,
    gateway_reference text
);
CREATE INDEX attempts_message ON motcua.attempts (message_id, attempt_id);
-- No second attempt while an earlier one is, or may be, on its way to the phone: the database itself refuses a double.
CREATE UNIQUE INDEX attempts_one_open ON motcua.attempts (message_id)
WHERE state IN ('in_flight', 'unknown', 'accepted', 'delivered');
CREATE INDEX attempts_in_flight ON motcua.attempts (sender_id) WHERE state = 'in_flight';
CREATE INDEX attempts_run ON motcua.attempts (run_id);
COMMENT ON TABLE motcua.attempts IS 'Tries (lần gửi) to hand a message to a gateway, each committed before its HTTP call.';
COMMENT ON COLUMN motcua.attempts.attempt_id IS 'Our number.';
COMMENT ON COLUMN motcua.attempts.message_id IS 'The message.';
COMMENT ON COLUMN motcua.attempts.gateway IS 'The gateway tried.';
COMMENT ON COLUMN motcua.attempts.reference IS 'Our own reference, sent along and named by receipts.';
COMMENT ON COLUMN motcua.attempts.sender_id IS 'Advisory lock held by the sender while it lives.';
COMMENT ON COLUMN motcua.attempts.run_id IS 'DAG run that made the attempt.';
COMMENT ON COLUMN motcua.attempts.msisdn IS 'Number it went to. Personal data.';
COMMENT ON COLUMN motcua.attempts.state IS 'in_flight, then by the answer accepted, rejected, failed or unknown, then by receipts delivered or undelivered.';
COMMENT ON COLUMN motcua.attempts.started_at IS 'When it was committed.';
COMMENT ON COLUMN motcua.attempts.answered_at IS 'When the gateway''s answer, or its absence, was written.';
COMMENT ON COLUMN motcua.attempts.outcome IS 'Class of the answer.';
COMMENT ON COLUMN motcua.attempts.http_status IS 'HTTP status of the answer.';
COMMENT ON COLUMN motcua.attempts.gateway_code IS 'The gateway''s code or words, without numbers.';
COMMENT ON COLUMN motcua.attempts.gateway_reference IS 'The gateway''s own reference.';

CREATE TABLE motcua.receipts (
    receipt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reference text,
    gateway_status text,
    raw jsonb NOT NULL
);
CREATE INDEX receipts_reference ON motcua.receipts (reference);
COMMENT ON TABLE motcua.receipts IS 'Delivery reports as received, append-only.';
COMMENT ON COLUMN motcua.receipts.receipt_id IS 'Our number.';
COMMENT ON COLUMN motcua.receipts.gateway IS 'Gateway that sent it.';
COMMENT ON COLUMN motcua.receipts.received_at IS 'When it came.';
COMMENT ON COLUMN motcua.receipts.reference IS 'The attempt''s reference, as given.';
COMMENT ON COLUMN motcua.receipts.gateway_status IS 'The gateway''s status, as given.';
COMMENT ON COLUMN motcua.receipts.raw IS 'All fields given, numbers and secrets left out.';

CREATE TABLE motcua.receipt_readings (
    receipt_id bigint PRIMARY KEY REFERENCES motcua.receipts,
    attempt_id bigint REFERENCES motcua.attempts,
    meaning text NOT NULL CHECK (meaning IN ('accepted', 'delivered', 'undelivered', 'pending', 'unreadable')),
    effect text NOT NULL CHECK (effect IN ('applied', 'no_change', 'unknown_reference')),
    read_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX receipt_readings_attempt ON motcua.receipt_readings (attempt_id);
COMMENT ON TABLE motcua.receipt_readings IS 'What each receipt was taken to mean and what it changed, append-only.';
COMMENT ON COLUMN motcua.receipt_readings.receipt_id IS 'The receipt.';
COMMENT ON COLUMN motcua.receipt_readings.attempt_id IS 'The attempt it names; empty where none is known.';
COMMENT ON COLUMN motcua.receipt_readings.meaning IS 'accepted, delivered, undelivered, pending or unreadable.';
COMMENT ON COLUMN motcua.receipt_readings.effect IS 'Whether it changed the message.';
COMMENT ON COLUMN motcua.receipt_readings.read_at IS 'When it was interpreted.';

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.message_history
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.receipts
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.receipt_readings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

GRANT SELECT ON motcua.message_states, motcua.message_moves, motcua.message_history TO motcua_app;
GRANT SELECT, INSERT, UPDATE ON motcua.messages, motcua.attempts TO motcua_app;
GRANT SELECT, INSERT ON motcua.receipts, motcua.receipt_readings TO motcua_app;
