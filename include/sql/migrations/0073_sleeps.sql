-- depends: 0071_unserved
-- Add the columns and the table for a ledger that slept, which means that no sender ran for more than ten minutes. In
-- that time the server may have been off, or its whole disk may have been restored to an earlier state. Messages
-- recorded before the ledger woke are therefore held, until a watch that stayed awake, or a person, confirms that the
-- ledger only slept. The table stores declarations that this server's disk is never restored: while one is in force, no
-- message is held for a sleep.

ALTER TABLE motcua.gaps
DROP CONSTRAINT gaps_kind_check,
ADD CONSTRAINT gaps_kind_check CHECK (kind IN ('behind_journal', 'other_journal', 'behind_watch', 'slept')) NOT VALID,
ADD COLUMN slept_since timestamptz,
ADD COLUMN held_until timestamptz;
COMMENT ON TABLE motcua.gaps IS 'Stretches of time that the ledger does not remember, or may not: it was restored, or slept; while one is open nothing is sent, or nothing of what may lie in it.';
COMMENT ON COLUMN motcua.gaps.kind IS 'behind_journal: the journal has attempts that the ledger lacks; other_journal: the ledger was kept with a journal that is not here; behind_watch: the watch had seen more than the ledger has; slept: senders were away for more than ten minutes, and nobody could say that the ledger was not put back meanwhile.';
COMMENT ON COLUMN motcua.gaps.slept_since IS 'Of a sleep: the last sign of senders at work that the ledger has.';
COMMENT ON COLUMN motcua.gaps.held_until IS 'What was recorded up to then is held while the gap is open, and what was recorded later is sent; empty: nothing is sent.';
COMMENT ON COLUMN motcua.gaps.sent_until IS 'Where no journal knows: what was recorded up to then may have been told, and is of unknown outcome; empty: nothing.';

ALTER TABLE motcua.sender_life ADD COLUMN journal_fault text;
COMMENT ON TABLE motcua.sender_life IS 'When senders were at work: one row. After a long sleep what was recorded before is held, since the ledger may have been put back.';
COMMENT ON COLUMN motcua.sender_life.looked_at IS 'The last sign of a sender at work.';
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
