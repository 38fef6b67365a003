-- depends: 0071_unserved
-- Add the columns and the table for a ledger that slept: no sender ran for more than ten minutes. In that time the
-- server may only have been off, or its whole disk may have been restored to an earlier state. Messages recorded before
-- the end of the sleep are held (not sent) until a person states whether the ledger was restored. They are also
-- released if a watch (a process that raises alerts) that ran all the time shows that the ledger was not restored. The
-- table believed_sleeps stores declarations that this server's disk is never restored. While a declaration is in force,
-- no messages are held after a sleep. The column journal_fault is about the journal, a folder outside the ledger that
-- lists all attempts.

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
