-- depends: 0071_unserved
-- Add the columns and the table for a ledger that slept, which means that no sender ran for more than ten minutes. In
-- that time the server may only have been off, or its whole disk may have been restored to an earlier state. Messages
-- recorded before the end of the sleep are therefore held until a person confirms that the ledger was not restored. The
-- watch (the process that raises alerts) confirms it too if it ran all the time. The table stores declarations that
-- this server's disk is never restored: while one is in force, no message is held because of a sleep.

ALTER TABLE motcua.gaps
DROP CONSTRAINT gaps_kind_check,
ADD CONSTRAINT gaps_kind_check CHECK (kind IN ('behind_journal', 'other_journal', 'behind_watch', 'slept')) NOT VALID,
ADD COLUMN slept_since timestamptz,
ADD COLUMN held_until timestamptz;
COMMENT ON TABLE motcua.gaps IS 'Stretches of time that the ledger does not or may not remember, because it was restored or paused. While a gap is open, no message is sent, or at least no message that may already have been sent in the gap.';
COMMENT ON COLUMN motcua.gaps.kind IS 'Kind. behind_journal: the journal has attempts that the ledger lacks. other_journal: the ledger used a journal that is not here. behind_watch: the watch had seen more than the ledger has. slept: senders gave no heartbeat for more than ten minutes, and nothing proved that the ledger was not restored in that time.';
COMMENT ON COLUMN motcua.gaps.slept_since IS 'For kind slept: the last heartbeat of senders in the ledger.';
COMMENT ON COLUMN motcua.gaps.held_until IS 'Messages recorded up to this time are held while the gap is open, and later ones are sent; empty: no message at all is sent.';
COMMENT ON COLUMN motcua.gaps.sent_until IS 'For a gap without a journal: messages recorded up to this time may have been sent and are of unknown outcome; empty: none.';

ALTER TABLE motcua.sender_life ADD COLUMN journal_fault text;
COMMENT ON TABLE motcua.sender_life IS 'Heartbeat of the senders: one row. After a long pause, messages recorded before it are held, because the ledger may have been restored.';
COMMENT ON COLUMN motcua.sender_life.looked_at IS 'The last heartbeat of a sender.';
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
COMMENT ON COLUMN motcua.believed_sleeps.said_by IS 'Person who made the declaration for the Department.';
COMMENT ON COLUMN motcua.believed_sleeps.reason IS 'Why this server''s disk is never restored, as the person stated.';
COMMENT ON COLUMN motcua.believed_sleeps.withdrawn_at IS 'When the declaration was withdrawn; empty: it is in force.';
COMMENT ON COLUMN motcua.believed_sleeps.withdrawn_by IS 'Person who withdrew the declaration.';
