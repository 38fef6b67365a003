-- A ledger that was restored does not know what it sent since: the journal of attempts, which is kept outside, does.
-- One that slept may have been put back to an earlier state with all that lies beside it: what was recorded before it
-- woke is held, until a watch that stayed awake, or a person, says that it only slept.

CREATE TABLE motcua.journals (
    journal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal_id uuid NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL
);
COMMENT ON TABLE motcua.journals IS 'Journals of attempts that this ledger was kept with, the newest the one in use; append-only.';
COMMENT ON COLUMN motcua.journals.journal_no IS 'Our number; the highest is of the journal in use.';
COMMENT ON COLUMN motcua.journals.journal_id IS 'Stands in the journal''s folder, too.';
COMMENT ON COLUMN motcua.journals.begun_at IS 'Since when.';
COMMENT ON COLUMN motcua.journals.reason IS 'Why it was begun.';

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
COMMENT ON TABLE motcua.gaps IS 'Stretches of time that the ledger does not remember, or may not: it was restored, or slept; while one is open nothing is sent, or nothing of what may lie in it.';
COMMENT ON COLUMN motcua.gaps.gap_no IS 'Our number.';
COMMENT ON COLUMN motcua.gaps.kind IS 'behind_journal: the journal has attempts that the ledger lacks; other_journal: the ledger was kept with a journal that is not here; behind_watch: the watch had seen more than the ledger has; slept: senders were away for more than ten minutes, and nobody could say that the ledger was not put back meanwhile.';
COMMENT ON COLUMN motcua.gaps.noticed_at IS 'When a sender noticed it.';
COMMENT ON COLUMN motcua.gaps.ledger_until IS 'The last attempt that the ledger knew; empty: none.';
COMMENT ON COLUMN motcua.gaps.journal_until IS 'The last attempt that the journal knows; empty: none.';
COMMENT ON COLUMN motcua.gaps.slept_since IS 'Of a sleep: the last sign of senders at work that the ledger has.';
COMMENT ON COLUMN motcua.gaps.lost_attempts IS 'Attempts in the journal that the ledger lacked.';
COMMENT ON COLUMN motcua.gaps.held_messages IS 'Messages that were queued then and were held.';
COMMENT ON COLUMN motcua.gaps.sent_until IS 'Where no journal knows: what was recorded up to then may have been told, and is of unknown outcome; empty: nothing.';
COMMENT ON COLUMN motcua.gaps.held_until IS 'What was recorded up to then is held while the gap is open, and what was recorded later is sent; empty: nothing is sent.';
COMMENT ON COLUMN motcua.gaps.closed_at IS 'When it was looked at; empty: nothing is sent.';
COMMENT ON COLUMN motcua.gaps.closed_by IS 'The run that read the journal, or the person who decided.';
COMMENT ON COLUMN motcua.gaps.reason IS 'Of a person: why.';

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
COMMENT ON TABLE motcua.lost_attempts IS 'Attempts that the journal knew and the restored ledger did not; each finds its message again as soon as that is planned.';
COMMENT ON COLUMN motcua.lost_attempts.lost_id IS 'Our number.';
COMMENT ON COLUMN motcua.lost_attempts.gap_no IS 'The gap it fell into.';
COMMENT ON COLUMN motcua.lost_attempts.reference IS 'Our own reference, which receipts name.';
COMMENT ON COLUMN motcua.lost_attempts.gateway IS 'The gateway tried.';
COMMENT ON COLUMN motcua.lost_attempts.departed_at IS 'When the journal had it, just before the request left.';
COMMENT ON COLUMN motcua.lost_attempts.source IS 'Source of the dossier then.';
COMMENT ON COLUMN motcua.lost_attempts.agency_code IS 'Agency of the dossier then.';
COMMENT ON COLUMN motcua.lost_attempts.dossier_code IS 'The dossier.';
COMMENT ON COLUMN motcua.lost_attempts.kind IS 'Kind of the message.';
COMMENT ON COLUMN motcua.lost_attempts.occasion IS 'The occasion in words that a restored ledger knows: the source''s number of the transition, row, or an apology''s due date.';
COMMENT ON COLUMN motcua.lost_attempts.segments IS 'SMS segments handed over.';
COMMENT ON COLUMN motcua.lost_attempts.outcome IS 'Class of the gateway''s answer; empty: none was written.';
COMMENT ON COLUMN motcua.lost_attempts.answered_at IS 'When it answered.';
COMMENT ON COLUMN motcua.lost_attempts.gateway_reference IS 'The gateway''s own reference.';
COMMENT ON COLUMN motcua.lost_attempts.message_id IS 'The message it was for; empty: not found yet.';
COMMENT ON COLUMN motcua.lost_attempts.adopted_at IS 'When it was found.';

CREATE TABLE motcua.sender_life (
    only_one boolean PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    looked_at timestamptz NOT NULL,
    woke_at timestamptz NOT NULL,
    journal_fault text
);
COMMENT ON TABLE motcua.sender_life IS 'When senders were at work: one row. After a long sleep what was recorded before is held, since the ledger may have been put back.';
COMMENT ON COLUMN motcua.sender_life.only_one IS 'Always true.';
COMMENT ON COLUMN motcua.sender_life.looked_at IS 'The last sign of a sender at work.';
COMMENT ON COLUMN motcua.sender_life.woke_at IS 'Since when they have been at work without a long sleep.';
COMMENT ON COLUMN motcua.sender_life.journal_fault IS 'What the journal of attempts lacked when a run last looked: days without their file, lines that cannot be read; empty: nothing.';

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
COMMENT ON TABLE motcua.believed_sleeps IS 'That this server''s disk is never put back to an earlier state, as somebody signed: then a sleep of the ledger is believed.';
COMMENT ON COLUMN motcua.believed_sleeps.belief_no IS 'Our number.';
COMMENT ON COLUMN motcua.believed_sleeps.said_at IS 'Since when it is believed.';
COMMENT ON COLUMN motcua.believed_sleeps.said_by IS 'Who signed it, for the Department.';
COMMENT ON COLUMN motcua.believed_sleeps.reason IS 'Why it may be believed.';
COMMENT ON COLUMN motcua.believed_sleeps.withdrawn_at IS 'Until when; empty: it is in force.';
COMMENT ON COLUMN motcua.believed_sleeps.withdrawn_by IS 'Who took it back.';

CREATE TABLE motcua.outside_watch (
    only_one boolean PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    asked_at timestamptz NOT NULL,
    awake_since timestamptz,
    sees_since timestamptz,
    about timestamptz,
    lost_attempts integer CHECK (lost_attempts >= 0),
    seen_until timestamptz
);
COMMENT ON TABLE motcua.outside_watch IS 'The last word of a watch on another machine: one row, written at each of its looks; none where it never looked.';
COMMENT ON COLUMN motcua.outside_watch.only_one IS 'Always true.';
COMMENT ON COLUMN motcua.outside_watch.asked_at IS 'When it last looked.';
COMMENT ON COLUMN motcua.outside_watch.awake_since IS 'Since when it has looked without a pause, by its own clock.';
COMMENT ON COLUMN motcua.outside_watch.sees_since IS 'Since when it has seen whatever senders did, by its own clock.';
COMMENT ON COLUMN motcua.outside_watch.about IS 'The waking of the ledger that it was asked about; empty: none.';
COMMENT ON COLUMN motcua.outside_watch.lost_attempts IS 'Where it had seen a later state: numbers of attempts that are missing; empty: it had not, or that was acted on.';
COMMENT ON COLUMN motcua.outside_watch.seen_until IS 'When it saw them.';
