-- Messages, their states, and the moves from one state to another. A trigger allows only the moves that the table
-- message_moves lists.

CREATE TABLE motcua.message_states (
    state text PRIMARY KEY,
    may_begin boolean NOT NULL,
    meaning text NOT NULL
);
COMMENT ON TABLE motcua.message_states IS 'All states that a message can have. At any time each message is in one of them.';
COMMENT ON COLUMN motcua.message_states.state IS 'Name of the state.';
COMMENT ON COLUMN motcua.message_states.may_begin IS 'Whether a new message may have this state.';
COMMENT ON COLUMN motcua.message_states.meaning IS 'Meaning of the state, as a text.';
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
    only_for text,
    PRIMARY KEY (from_state, to_state)
);
COMMENT ON TABLE motcua.message_moves IS 'The allowed moves of a message from one state to another. A trigger refuses every other move.';
COMMENT ON COLUMN motcua.message_moves.from_state IS 'State of the message before the move.';
COMMENT ON COLUMN motcua.message_moves.to_state IS 'State of the message after the move.';
COMMENT ON COLUMN motcua.message_moves.cause IS 'Cause of the move, as a text.';
COMMENT ON COLUMN motcua.message_moves.only_for IS 'The only reason for which the move is allowed; empty: it is allowed for every reason.';
INSERT INTO motcua.message_moves (from_state, to_state, cause, only_for) VALUES
('queued', 'sending', 'claimed by a sender', NULL),
('queued', 'cancelled', 'the dossier changed', NULL),
('queued', 'suppressed', 'the phone was spoilt, the kind switched off, or the citizen already told', NULL),
('queued', 'expired', 'no longer useful', NULL),
('queued', 'accepted', 'a receipt proves that an attempt was taken although its answer was a failure', NULL),
('queued', 'delivered', 'a receipt proves that an attempt was taken although its answer was a failure', NULL),
('queued', 'undelivered', 'a receipt proves that an attempt was taken although its answer was a failure', NULL),
('sending', 'accepted', 'the gateway took it', NULL),
('sending', 'rejected', 'the gateway refused it for good', NULL),
('sending', 'queued', 'a passing failure, to be tried again', NULL),
('sending', 'unknown', 'no answer: time-out, reset or crash', NULL),
('sending', 'delivered', 'a receipt overtook the answer', NULL),
('sending', 'undelivered', 'a receipt overtook the answer', NULL),
('unknown', 'accepted', 'a receipt or the gateway says that it was taken', NULL),
('unknown', 'delivered', 'a receipt', NULL),
('unknown', 'undelivered', 'a receipt', NULL),
('unknown', 'rejected', 'the gateway says that it refused it', NULL),
('unknown', 'queued', 'released by the gateway''s policy', NULL),
('accepted', 'delivered', 'a receipt', NULL),
('accepted', 'undelivered', 'a receipt', NULL),
('accepted', 'unconfirmed', 'the gateway''s horizon passed', NULL),
('unconfirmed', 'delivered', 'a late receipt', NULL),
('unconfirmed', 'undelivered', 'a late receipt', NULL),
('undelivered', 'delivered', 'a receipt corrects an earlier one', NULL),
('undelivered', 'queued', 'the desk mended the phone', NULL),
('rejected', 'queued', 'the desk mended the phone', NULL),
('suppressed', 'queued', 'the desk mended the phone', NULL),
('suppressed', 'suppressed', 'the reason changed', NULL),
('queued', 'queued', 'the phone, the text or the time of the next attempt changed', NULL),
('delivered', 'undelivered', 'the first part was reported delivered, another one refused', 'part_refused'),
('expired', 'accepted', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('expired', 'delivered', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('cancelled', 'accepted', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('cancelled', 'delivered', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('suppressed', 'accepted', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('suppressed', 'delivered', 'a late receipt proves that an attempt that was given up had been taken', 'late_receipt'),
('rejected', 'accepted', 'a late receipt contradicts the gateway''s refusal', 'late_receipt'),
('rejected', 'delivered', 'a late receipt contradicts the gateway''s refusal', 'late_receipt'),
('cancelled', 'queued', 'a step that is not old confirms the occasion that an old one had begun', 'confirmed'),
('expired', 'queued', 'a step that is not old confirms the occasion that an old one had begun', 'confirmed'),
-- A message that was sent after the backup was made and before the backup was restored may have reached a phone, even
-- if the restored ledger shows another state.
('queued', 'unknown', 'the journal says that an attempt left which the restored ledger does not know', 'restored'),
('suppressed', 'unknown', 'the journal says that an attempt left which the restored ledger does not know', 'restored'),
('cancelled', 'unknown', 'the journal says that an attempt left which the restored ledger does not know', 'restored'),
('expired', 'unknown', 'the journal says that an attempt left which the restored ledger does not know', 'restored'),
('rejected', 'unknown', 'the journal says that an attempt left which the restored ledger does not know', 'restored'),
('undelivered', 'unknown', 'the journal says that an attempt left which the restored ledger does not know', 'restored');

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
    carrier text,
    avoid text[] NOT NULL DEFAULT '{}',
    text text NOT NULL,
    template_id text NOT NULL,
    template_version smallint NOT NULL,
    parameters text[] NOT NULL,
    accented_parameters text[],
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
    purged_at timestamptz,
    UNIQUE (dossier_id, kind, occasion),
    CHECK (dossier_id IS NOT NULL OR kind = 'reply'),
    CHECK (transition_id IS NOT NULL OR kind NOT IN ('result', 'supplement')),
    CHECK (state NOT IN ('suppressed', 'cancelled', 'expired', 'rejected') OR reason IS NOT NULL),
    CHECK (state <> 'suppressed' OR reason IN (
        'missing', 'too_short', 'too_long', 'bad_chars', 'landline', 'ambiguous_landline', 'service_1800_1900',
        'emergency_short', 'dummy', 'repeated_digits', 'sequence', 'foreign', 'id_card_like', 'not_a_phone',
        'same_day', 'kind_off', 'already_told'
    )),
    CONSTRAINT messages_purged CHECK (
        purged_at IS NULL
        OR (msisdn IS NULL AND text = '' AND parameters = '{}' AND accented_parameters IS NULL)
    )
);
CREATE INDEX messages_due ON motcua.messages (next_attempt_at, message_id) WHERE state = 'queued';
CREATE INDEX messages_open ON motcua.messages (state) WHERE state IN ('sending', 'unknown');
CREATE UNIQUE INDEX messages_transition ON motcua.messages (transition_id) WHERE kind IN ('result', 'supplement');
CREATE INDEX messages_for_phone ON motcua.messages (useful_until) WHERE state IN (
    'suppressed', 'undelivered', 'rejected'
);
CREATE INDEX messages_recorded ON motcua.messages (recorded_at);
CREATE INDEX messages_unreported ON motcua.messages (accepted_at) WHERE state = 'accepted';
-- The web pages list the messages of an agency, and the messages in rare states, the newest first. With this index
-- PostgreSQL reads only the rows that the list shows. The index leaves out messages that are queued or being sent.
-- Otherwise senders would write to the index twice more for each message.
CREATE INDEX messages_of_agency ON motcua.messages (agency_code, state, recorded_at)
WHERE state NOT IN ('queued', 'sending');
-- With this index PostgreSQL finds the first due message to each carrier at once, however many messages to other
-- carriers are due earlier. The last task of the DAG notify_transitions and the command motcua watch use the index to
-- find due messages that no sender sends.
CREATE INDEX messages_due_to_carrier
ON motcua.messages (coalesce(carrier, ''), next_attempt_at, message_id)
WHERE state = 'queued';
-- The SQL statement closings/counting/count_messages groups the messages of a period into few groups. Without these
-- statistics PostgreSQL expects one group for each ten messages, and uses memory that does not fit into a processor's
-- cache.
CREATE STATISTICS motcua.messages_cells (NDISTINCT) ON
agency_code,
procedure_code,
kind,
state,
reason,
(
    CASE
        WHEN state = 'delivered' THEN greatest(floor(date_part('epoch', changed_at - recorded_at)), 0)::integer
    END
)
FROM motcua.messages;
-- The tables messages and transitions refer to each other, so this foreign key is added when both exist.
ALTER TABLE motcua.transitions ADD FOREIGN KEY (message_id) REFERENCES motcua.messages;
COMMENT ON TABLE motcua.messages IS 'Intended SMS (tin nhắn), one for each event that a citizen should hear of, even if it is never sent. Holds personal data.';
COMMENT ON COLUMN motcua.messages.message_id IS 'Our number of the message.';
COMMENT ON COLUMN motcua.messages.kind IS 'Kind: result, supplement, apology or reply.';
COMMENT ON COLUMN motcua.messages.dossier_id IS 'The dossier; empty for a reply about no known dossier.';
COMMENT ON COLUMN motcua.messages.agency_code IS 'Agency of the dossier that the message is about.';
COMMENT ON COLUMN motcua.messages.procedure_code IS 'Procedure of the dossier when the message was planned.';
COMMENT ON COLUMN motcua.messages.occasion IS 'The event that the message is about: the dossier''s entry into the condition that the message reports, or the due date of an apology. It is unique for a dossier and kind.';
COMMENT ON COLUMN motcua.messages.transition_id IS 'Transition with which the event of the column occasion began.';
COMMENT ON COLUMN motcua.messages.state IS 'State of the message, one of message_states.';
COMMENT ON COLUMN motcua.messages.reason IS 'Reason why the message is in its state, if the state needs a reason.';
COMMENT ON COLUMN motcua.messages.msisdn IS 'Phone number to which the message is sent, E.164. Personal data.';
COMMENT ON COLUMN motcua.messages.carrier IS 'Carrier to which the number''s block was assigned, or the word "other"; empty: not looked up yet.';
COMMENT ON COLUMN motcua.messages.avoid IS 'Gateways that refused this message or messages to its carrier. The message is sent through another gateway.';
COMMENT ON COLUMN motcua.messages.text IS 'Text as planned. A gateway where accents cost nothing sends it with accents. Personal data.';
COMMENT ON COLUMN motcua.messages.template_id IS 'Template from which the text was made.';
COMMENT ON COLUMN motcua.messages.template_version IS 'Version of the template from which the text was made.';
COMMENT ON COLUMN motcua.messages.parameters IS 'Values in the order of the template, for providers that accept only values. Personal data.';
COMMENT ON COLUMN motcua.messages.accented_parameters IS 'If the text was planned without accents: the values of the column parameters with accents. Empty: the values of the column parameters have accents, or accented ones are not known. Personal data.';
COMMENT ON COLUMN motcua.messages.accented IS 'Whether the text was planned with accents.';
COMMENT ON COLUMN motcua.messages.segments IS 'SMS segments of the text as planned.';
COMMENT ON COLUMN motcua.messages.occurred_at IS 'When the event that the message is about happened.';
COMMENT ON COLUMN motcua.messages.recorded_at IS 'When the source recorded the event. A backfill selects messages by this time.';
COMMENT ON COLUMN motcua.messages.planned_at IS 'When the message was planned.';
COMMENT ON COLUMN motcua.messages.useful_until IS 'Time until which the message is useful; it expires then if it was not sent.';
COMMENT ON COLUMN motcua.messages.next_attempt_at IS 'Time before which the message is not sent.';
COMMENT ON COLUMN motcua.messages.attempts_made IS 'Number of attempts that were begun.';
COMMENT ON COLUMN motcua.messages.accepted_at IS 'When a gateway accepted the message.';
COMMENT ON COLUMN motcua.messages.changed_at IS 'When the state of the message last changed.';
COMMENT ON COLUMN motcua.messages.purged_at IS 'When the phone number and the text were emptied. An emptied message is never sent again.';

CREATE TABLE motcua.message_history (
    history_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id bigint NOT NULL REFERENCES motcua.messages,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_state text,
    from_reason text,
    to_state text NOT NULL,
    to_reason text,
    run_no bigint DEFAULT nullif(current_setting('motcua.run', TRUE), '')::bigint
);
CREATE INDEX message_history_message ON motcua.message_history (message_id, history_id);
CREATE INDEX message_history_run ON motcua.message_history (run_no) WHERE run_no IS NOT NULL;
COMMENT ON TABLE motcua.message_history IS 'Every change of state of every message, append-only, written by a trigger.';
COMMENT ON COLUMN motcua.message_history.history_id IS 'Our number of the change, growing.';
COMMENT ON COLUMN motcua.message_history.message_id IS 'The message whose state or reason changed.';
COMMENT ON COLUMN motcua.message_history.changed_at IS 'When the state or the reason changed.';
COMMENT ON COLUMN motcua.message_history.from_state IS 'State of the message before the change; empty for a new message.';
COMMENT ON COLUMN motcua.message_history.from_reason IS 'Reason of the state before the change.';
COMMENT ON COLUMN motcua.message_history.to_state IS 'State of the message after the change.';
COMMENT ON COLUMN motcua.message_history.to_reason IS 'Reason of the state after the change.';
COMMENT ON COLUMN motcua.message_history.run_no IS 'The run that changed the state; empty: a delivery receipt, an inquiry or a person changed it.';
