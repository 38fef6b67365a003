-- Gaps: times of which the ledger may lack data. A restored ledger lacks the attempts that were made after its backup,
-- but these are still in the journal of attempts, a folder outside the ledger. A paused ledger may have been restored
-- together with its journal. Messages recorded before the end of the pause are therefore held (not sent). They are held
-- until a person states whether the ledger was restored or only paused. A watch (a monitoring process) that ran all the
-- time may also show that the ledger was only paused.

CREATE TABLE motcua.journals (
    journal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal_id uuid NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL
);
COMMENT ON TABLE motcua.journals IS 'Journals of attempts that this ledger has used. The newest one is in use; append-only.';
COMMENT ON COLUMN motcua.journals.journal_no IS 'Our number of the journal. The journal with the highest number is in use.';
COMMENT ON COLUMN motcua.journals.journal_id IS 'Identifier, which is also stored in the journal''s folder.';
COMMENT ON COLUMN motcua.journals.begun_at IS 'When the journal was begun.';
COMMENT ON COLUMN motcua.journals.reason IS 'Why the journal was begun.';

CREATE TABLE motcua.gaps (
    gap_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('behind_journal', 'other_journal', 'behind_watch', 'slept')),
    noticed_at timestamptz NOT NULL,
    ledger_until timestamptz,
    journal_until timestamptz,
    slept_since timestamptz,
    lost_attempts integer NOT NULL CHECK (lost_attempts >= 0),
    held_messages integer NOT NULL CHECK (held_messages >= 0),
    sent_until timestamptz,
    held_until timestamptz,
    closed_at timestamptz,
    closed_by text CHECK (btrim(closed_by) <> ''),
    reason text,
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CHECK (sent_until IS NULL OR closed_at IS NOT NULL)
);
CREATE UNIQUE INDEX gaps_one_open ON motcua.gaps ((closed_at IS NULL)) WHERE closed_at IS NULL;
COMMENT ON TABLE motcua.gaps IS 'Times of which the ledger may lack data, because it was restored or paused. While a gap is open, no message is sent, or at least no message that may already have been sent in the gap.';
COMMENT ON COLUMN motcua.gaps.gap_no IS 'Our number of the gap.';
COMMENT ON COLUMN motcua.gaps.kind IS 'Kind. behind_journal: the journal has attempts that the ledger lacks. other_journal: the ledger used a journal that is not here. behind_watch: a watch (a monitoring process) had seen a later state of the ledger. slept: senders gave no heartbeat for more than ten minutes, and nothing proved that the ledger was not restored in that time.';
COMMENT ON COLUMN motcua.gaps.noticed_at IS 'When the gap was noticed.';
COMMENT ON COLUMN motcua.gaps.ledger_until IS 'When the last attempt in the ledger began; empty: it had no attempt.';
COMMENT ON COLUMN motcua.gaps.journal_until IS 'When the last attempt in the journal began; for kind behind_watch: when the watch last saw the later state. Empty: not known, or the journal had no attempt.';
COMMENT ON COLUMN motcua.gaps.slept_since IS 'The last heartbeat of senders before the pause by which the gap was noticed; empty: it was noticed otherwise.';
COMMENT ON COLUMN motcua.gaps.lost_attempts IS 'Number of attempts that the journal had, or the watch had seen, and the ledger lacked.';
COMMENT ON COLUMN motcua.gaps.held_messages IS 'Number of messages that were queued when the gap was noticed and are therefore held.';
COMMENT ON COLUMN motcua.gaps.sent_until IS 'For a gap that no journal covers: messages recorded up to this time may have been sent, so their outcome is unknown. Empty: there are no such messages.';
COMMENT ON COLUMN motcua.gaps.held_until IS 'Messages recorded up to this time are held while the gap is open, and later ones are sent; empty: no message at all is sent.';
COMMENT ON COLUMN motcua.gaps.closed_at IS 'When the gap was closed; empty: it is open.';
COMMENT ON COLUMN motcua.gaps.closed_by IS 'The run that read the journal, the watch, or the person who decided.';
COMMENT ON COLUMN motcua.gaps.reason IS 'Why the gap was closed; empty: a run closed it without a reason.';

CREATE TABLE motcua.lost_attempts (
    lost_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gap_no bigint NOT NULL REFERENCES motcua.gaps,
    reference text NOT NULL UNIQUE,
    gateway text NOT NULL,
    departed_at timestamptz NOT NULL,
    source text NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    kind text NOT NULL,
    occasion text NOT NULL,
    segments smallint,
    outcome text
    CHECK (
        outcome IN ('accepted', 'duplicate', 'phone', 'unreachable', 'configuration', 'transient', 'unknown')
    ),
    answered_at timestamptz,
    gateway_reference text,
    message_id bigint REFERENCES motcua.messages,
    adopted_at timestamptz,
    CHECK ((message_id IS NULL) = (adopted_at IS NULL))
);
CREATE INDEX lost_attempts_open ON motcua.lost_attempts (agency_code, dossier_code) WHERE message_id IS NULL;
CREATE INDEX lost_attempts_gap ON motcua.lost_attempts (gap_no);
CREATE INDEX lost_attempts_message ON motcua.lost_attempts (message_id);
COMMENT ON TABLE motcua.lost_attempts IS 'Attempts that the journal had and the restored ledger lacked. Each is linked to its message as soon as the message is planned again.';
COMMENT ON COLUMN motcua.lost_attempts.lost_id IS 'Our number of the lost attempt.';
COMMENT ON COLUMN motcua.lost_attempts.gap_no IS 'The gap in which the attempt was made.';
COMMENT ON COLUMN motcua.lost_attempts.reference IS 'Our own reference, which delivery receipts name.';
COMMENT ON COLUMN motcua.lost_attempts.gateway IS 'The gateway to which the attempt handed the message.';
COMMENT ON COLUMN motcua.lost_attempts.departed_at IS 'When the journal recorded the attempt, just before the request left.';
COMMENT ON COLUMN motcua.lost_attempts.source IS 'Source of the dossier at that time.';
COMMENT ON COLUMN motcua.lost_attempts.agency_code IS 'Agency of the dossier at that time.';
COMMENT ON COLUMN motcua.lost_attempts.dossier_code IS 'Code of the dossier that the message was about.';
COMMENT ON COLUMN motcua.lost_attempts.kind IS 'Kind of the message that was handed over.';
COMMENT ON COLUMN motcua.lost_attempts.occasion IS 'The event that the message is about, in a form that a restored ledger knows: "number" with the source''s number of the transition, "row" if only the dossier''s row showed the event, or the due date of an apology.';
COMMENT ON COLUMN motcua.lost_attempts.segments IS 'SMS segments that were handed over.';
COMMENT ON COLUMN motcua.lost_attempts.outcome IS 'Class of the gateway''s answer; empty: the journal has no answer.';
COMMENT ON COLUMN motcua.lost_attempts.answered_at IS 'When the gateway answered.';
COMMENT ON COLUMN motcua.lost_attempts.gateway_reference IS 'The gateway''s own reference.';
COMMENT ON COLUMN motcua.lost_attempts.message_id IS 'The message of the attempt; empty: not found yet.';
COMMENT ON COLUMN motcua.lost_attempts.adopted_at IS 'When the attempt was linked to its message.';

CREATE TABLE motcua.sender_life (
    only_one boolean PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    looked_at timestamptz NOT NULL,
    woke_at timestamptz NOT NULL,
    journal_fault text
);
COMMENT ON TABLE motcua.sender_life IS 'Heartbeat of the senders: one row. After a long pause, messages recorded before its end are held, because the ledger may have been restored.';
COMMENT ON COLUMN motcua.sender_life.only_one IS 'Always true; the table has one row.';
COMMENT ON COLUMN motcua.sender_life.looked_at IS 'The last heartbeat of a sender.';
COMMENT ON COLUMN motcua.sender_life.woke_at IS 'Since when senders have run without a long pause.';
COMMENT ON COLUMN motcua.sender_life.journal_fault IS 'Faults of the journal of attempts when a run last read it: days without a file, lines that cannot be read; empty: no fault.';

CREATE TABLE motcua.believed_sleeps (
    belief_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    said_at timestamptz NOT NULL,
    said_by text NOT NULL CHECK (btrim(said_by) <> ''),
    reason text NOT NULL CHECK (btrim(reason) <> ''),
    withdrawn_at timestamptz,
    withdrawn_by text CHECK (btrim(withdrawn_by) <> ''),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
CREATE UNIQUE INDEX believed_sleeps_in_force ON motcua.believed_sleeps ((withdrawn_at IS NULL))
WHERE withdrawn_at IS NULL;
COMMENT ON TABLE motcua.believed_sleeps IS 'Declarations that this server''s disk is never restored to an earlier state. While one is in force, no messages are held after a pause of the ledger.';
COMMENT ON COLUMN motcua.believed_sleeps.belief_no IS 'Our number of the declaration.';
COMMENT ON COLUMN motcua.believed_sleeps.said_at IS 'When the declaration was made.';
COMMENT ON COLUMN motcua.believed_sleeps.said_by IS 'Person who made the declaration for the Department, which runs the system.';
COMMENT ON COLUMN motcua.believed_sleeps.reason IS 'Why this server''s disk is never restored, as the person stated.';
COMMENT ON COLUMN motcua.believed_sleeps.withdrawn_at IS 'When the declaration was withdrawn; empty: it is in force.';
COMMENT ON COLUMN motcua.believed_sleeps.withdrawn_by IS 'Person who withdrew the declaration.';

CREATE TABLE motcua.outside_watch (
    only_one boolean PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    asked_at timestamptz NOT NULL,
    awake_since timestamptz,
    sees_since timestamptz,
    about timestamptz,
    lost_attempts integer CHECK (lost_attempts >= 0),
    seen_until timestamptz
);
COMMENT ON TABLE motcua.outside_watch IS 'The last report of a watch (a monitoring process) on another machine: one row, replaced at each report; no row: there was no report.';
COMMENT ON COLUMN motcua.outside_watch.only_one IS 'Always true; the table has one row.';
COMMENT ON COLUMN motcua.outside_watch.asked_at IS 'When the watch last reported.';
COMMENT ON COLUMN motcua.outside_watch.awake_since IS 'Since when the watch has run without a pause, by its own clock.';
COMMENT ON COLUMN motcua.outside_watch.sees_since IS 'Since when the watch has read the ledger often enough to see everything that senders did, by its own clock.';
COMMENT ON COLUMN motcua.outside_watch.about IS 'End of the ledger''s pause that the report is about; empty: this server asked about no pause, the watch had seen a later state, or a sender has acted on the report of a later state.';
COMMENT ON COLUMN motcua.outside_watch.lost_attempts IS 'If the watch had seen a later state of the ledger: the number of attempts that it had seen and the ledger lacks. Empty: the watch had seen no later state, or a sender has acted on the report.';
COMMENT ON COLUMN motcua.outside_watch.seen_until IS 'When the watch last saw the missing attempts in the ledger.';
