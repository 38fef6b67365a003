-- depends: 0006_dossiers_by_code
-- Several gateways: which carrier a message goes to, what is stopped and why, how fast and how much may be sent; how an
-- attempt without an answer is settled, and who released it.

ALTER TABLE motcua.messages ADD COLUMN carrier text;
ALTER TABLE motcua.messages ADD COLUMN avoid text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN motcua.messages.carrier IS 'Carrier that the number''s block was given to, or other; empty: not looked up yet.';
COMMENT ON COLUMN motcua.messages.avoid IS 'Gateways that refused this message or its carrier; another one is tried.';

ALTER TABLE motcua.attempts ADD COLUMN segments smallint;
ALTER TABLE motcua.attempts ADD COLUMN concerns text CHECK (concerns IN ('gateway', 'carrier', 'template', 'message'));
ALTER TABLE motcua.attempts ADD COLUMN settle_at timestamptz;
ALTER TABLE motcua.attempts ADD COLUMN settlings smallint NOT NULL DEFAULT 0;
ALTER TABLE motcua.attempts ADD COLUMN released boolean NOT NULL DEFAULT FALSE;
COMMENT ON COLUMN motcua.attempts.segments IS 'SMS segments handed over.';
COMMENT ON COLUMN motcua.attempts.concerns IS 'What a configuration answer was about.';
COMMENT ON COLUMN motcua.attempts.settle_at IS 'Not to be asked about, or repeated under the same reference, before then.';
COMMENT ON COLUMN motcua.attempts.settlings IS 'How often the gateway was asked about it or given it again under the same reference.';
COMMENT ON COLUMN motcua.attempts.released IS 'A person decided that the message may be sent again although this attempt''s end is not known.';

DROP INDEX motcua.attempts_one_open;
-- As before, but a released attempt no longer stands in the way: who released it is in releases.
CREATE UNIQUE INDEX attempts_one_open ON motcua.attempts (message_id)
WHERE state IN ('in_flight', 'unknown', 'accepted', 'delivered') AND NOT released;
CREATE INDEX attempts_unsettled ON motcua.attempts (gateway, settle_at) WHERE state IN ('unknown', 'accepted');
CREATE INDEX messages_unreported ON motcua.messages (accepted_at) WHERE state = 'accepted';

ALTER TABLE motcua.gateways DROP COLUMN stopped_until;
ALTER TABLE motcua.gateways DROP COLUMN stopped_reason;
ALTER TABLE motcua.gateways ADD COLUMN free_at timestamptz;
COMMENT ON COLUMN motcua.gateways.free_at IS 'Where segments a second are limited: the next message may start then.';

CREATE TABLE motcua.gateway_days (
    gateway text NOT NULL REFERENCES motcua.gateways,
    day date NOT NULL,
    segments integer NOT NULL CHECK (segments >= 0),
    PRIMARY KEY (gateway, day)
);
COMMENT ON TABLE motcua.gateway_days IS 'Segments handed to each gateway by day, counted before each call; what was surely not taken is given back.';
COMMENT ON COLUMN motcua.gateway_days.gateway IS 'The gateway.';
COMMENT ON COLUMN motcua.gateway_days.day IS 'Day, by the clock of Vietnam.';
COMMENT ON COLUMN motcua.gateway_days.segments IS 'Segments.';

CREATE TABLE motcua.gateway_stops (
    gateway text NOT NULL REFERENCES motcua.gateways,
    concerns text NOT NULL CHECK (concerns IN ('gateway', 'carrier', 'template')),
    subject text NOT NULL,
    stopped_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    by_hand boolean NOT NULL,
    PRIMARY KEY (gateway, concerns, subject),
    CHECK ((concerns = 'gateway') = (subject = ''))
);
COMMENT ON TABLE motcua.gateway_stops IS 'What is not sent through a gateway at present.';
COMMENT ON COLUMN motcua.gateway_stops.gateway IS 'The gateway.';
COMMENT ON COLUMN motcua.gateway_stops.concerns IS 'Whether all of it is stopped, one carrier, or one template.';
COMMENT ON COLUMN motcua.gateway_stops.subject IS 'The carrier or the template; empty for all.';
COMMENT ON COLUMN motcua.gateway_stops.stopped_at IS 'Since when.';
COMMENT ON COLUMN motcua.gateway_stops.until IS 'It is tried again then, unless started by hand before.';
COMMENT ON COLUMN motcua.gateway_stops.reason IS 'The answer, or its absence, that stopped it.';
COMMENT ON COLUMN motcua.gateway_stops.by_hand IS 'A person stopped it: no run is red for that alone.';

CREATE TABLE motcua.gateway_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway text NOT NULL,
    concerns text NOT NULL,
    subject text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    change text NOT NULL CHECK (change IN ('stopped', 'started')),
    until timestamptz,
    reason text NOT NULL,
    changed_by text NOT NULL DEFAULT current_user
);
COMMENT ON TABLE motcua.gateway_changes IS 'Every stop and start of a gateway, or of a carrier or template there, with its reason; append-only.';
COMMENT ON COLUMN motcua.gateway_changes.change_id IS 'Our number.';
COMMENT ON COLUMN motcua.gateway_changes.gateway IS 'The gateway.';
COMMENT ON COLUMN motcua.gateway_changes.concerns IS 'gateway, carrier or template.';
COMMENT ON COLUMN motcua.gateway_changes.subject IS 'The carrier or the template; empty for all.';
COMMENT ON COLUMN motcua.gateway_changes.changed_at IS 'When.';
COMMENT ON COLUMN motcua.gateway_changes.change IS 'stopped or started.';
COMMENT ON COLUMN motcua.gateway_changes.until IS 'Of a stop: until when.';
COMMENT ON COLUMN motcua.gateway_changes.reason IS 'Why.';
COMMENT ON COLUMN motcua.gateway_changes.changed_by IS 'A run, or the person who did it by hand.';
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.gateway_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

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
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.releases
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- What a message looks like just before its call; the sender and whoever repeats a request judge by the same.
CREATE VIEW motcua.sending_conditions AS
SELECT
    m.message_id,
    d.msisdn,
    d.phone_refusal,
    d.returned_at,
    m.kind = any(g.kinds_off) AS kind_off,
    motcua.occasion_holds(m.dossier_id, m.transition_id, m.kind) AS occasion_holds,
    (
        SELECT max(o.accepted_at) FROM motcua.messages AS o
        WHERE
            o.dossier_id = m.dossier_id AND o.kind = m.kind AND o.message_id <> m.message_id
            AND o.state IN ('accepted', 'delivered', 'unconfirmed')
    ) AS told_at,
    (
        SELECT max(a.started_at) FROM motcua.messages AS o
        INNER JOIN motcua.attempts AS a ON o.message_id = a.message_id
        WHERE
            o.dossier_id = m.dossier_id AND o.kind = m.kind AND o.message_id <> m.message_id
            AND o.state IN ('sending', 'unknown')
    ) AS unsettled_since
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code;
COMMENT ON VIEW motcua.sending_conditions IS 'What a message looks like just before its call. Holds personal data.';
GRANT SELECT ON motcua.sending_conditions TO motcua_app;

ALTER TABLE motcua.message_moves ADD COLUMN only_for text;
COMMENT ON COLUMN motcua.message_moves.only_for IS 'The move is allowed for this reason only; empty: for any.';
INSERT INTO motcua.message_moves (from_state, to_state, cause, only_for) VALUES
('delivered', 'undelivered', 'the first part was reported delivered, another one refused', 'part_refused'),
('expired', 'accepted', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('expired', 'delivered', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('cancelled', 'accepted', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('cancelled', 'delivered', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('suppressed', 'accepted', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('suppressed', 'delivered', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt');

-- As in 0005, and: some moves are for one reason only.
CREATE OR REPLACE FUNCTION motcua.enforce_message_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT (NEW.kind = 'reply' AND NEW.state = 'accepted')
            AND NOT EXISTS (SELECT 1 FROM motcua.message_states WHERE state = NEW.state AND may_begin) THEN
            RAISE EXCEPTION 'a message may not begin as %', NEW.state USING ERRCODE = 'MC002';
        END IF;
    ELSIF NEW.state = OLD.state AND NEW.state NOT IN ('queued', 'suppressed') THEN
        IF (NEW.msisdn, NEW.text, NEW.occasion, NEW.dossier_id, NEW.kind)
            IS DISTINCT FROM (OLD.msisdn, OLD.text, OLD.occasion, OLD.dossier_id, OLD.kind) THEN
            RAISE EXCEPTION 'message % is %: its number and words are fixed', OLD.message_id, OLD.state
            USING ERRCODE = 'MC002';
        END IF;
    ELSIF NOT EXISTS (
        SELECT 1 FROM motcua.message_moves
        WHERE from_state = OLD.state AND to_state = NEW.state AND coalesce(only_for = NEW.reason, only_for IS NULL)
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

ALTER TABLE motcua.receipt_readings DROP CONSTRAINT receipt_readings_meaning_check;
ALTER TABLE motcua.receipt_readings ADD CONSTRAINT receipt_readings_meaning_check
CHECK (meaning IN ('accepted', 'delivered', 'undelivered', 'refused', 'absent', 'pending', 'unreadable'));
COMMENT ON COLUMN motcua.receipt_readings.meaning
IS 'accepted, delivered, undelivered, refused (by the carrier: the message, or one part of it), absent (the gateway never had it), pending or unreadable.';

CREATE OR REPLACE VIEW audit.attempts AS
SELECT
    attempt_id,
    message_id,
    gateway,
    reference,
    run_id,
    state,
    started_at,
    answered_at,
    outcome,
    http_status,
    gateway_code,
    gateway_reference,
    segments,
    concerns,
    settlings,
    released
FROM motcua.attempts;
CREATE OR REPLACE VIEW audit.messages AS
SELECT
    message_id, kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, template_id,
    template_version, accented, segments, occurred_at, recorded_at, planned_at, useful_until, next_attempt_at,
    attempts_made, accepted_at, changed_at, carrier
FROM motcua.messages;
CREATE VIEW audit.gateway_changes AS
SELECT change_id, gateway, concerns, subject, changed_at, change, until, reason, changed_by FROM motcua.gateway_changes;
CREATE VIEW audit.gateway_days AS SELECT gateway, day, segments FROM motcua.gateway_days;
CREATE VIEW audit.releases AS
SELECT release_id, message_id, attempt_id, released_at, released_by, reason FROM motcua.releases;
GRANT SELECT ON audit.gateway_changes, audit.gateway_days, audit.releases TO motcua_audit, motcua_app;

GRANT SELECT, INSERT, UPDATE ON motcua.gateway_days TO motcua_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON motcua.gateway_stops TO motcua_app;
GRANT SELECT, INSERT ON motcua.gateway_changes, motcua.releases TO motcua_app;
