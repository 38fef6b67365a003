-- depends: 0071_unserved
-- Add the columns and the table for a ledger that slept, which means that no sender ran for more than ten minutes. In
-- that time the server may only have been off, or its whole disk may have been restored to an earlier state. Messages
-- recorded before the end of the sleep are held until a person states whether the ledger was restored, or until a watch
-- (a process that raises alerts) that ran all the time shows that it was not. The table stores declarations that this
-- server's disk is never restored: while one is in force, a sleep holds no messages. The journal, a folder outside the
-- ledger, lists all attempts.

ALTER TABLE motcua.gaps
DROP CONSTRAINT gaps_kind_check,
ADD CONSTRAINT gaps_kind_check CHECK (kind IN ('behind_journal', 'other_journal', 'behind_watch', 'slept')) NOT VALID,
ADD COLUMN slept_since timestamptz,
ADD COLUMN held_until timestamptz;

ALTER TABLE motcua.sender_life ADD COLUMN journal_fault text;

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
