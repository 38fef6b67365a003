-- depends: 0078_wrong_addresses
-- Store when the clock of a source was set back, and when a source began to number its steps from a low number again.
-- Both would otherwise hide new rows from a pick-up, which reads the rows after the last time and number that it has
-- read.

ALTER TABLE motcua.dossiers ADD COLUMN stamped_at timestamptz;
COMMENT ON COLUMN motcua.dossiers.stamped_at IS 'When the row was written, as the source has it, where that cannot be true; updated_at is then when it was read. Empty: it is updated_at.';

ALTER TABLE motcua.dossiers ADD CONSTRAINT stamp_can_be CHECK (
    coalesce(
        stamped_at >= timestamptz '2000-01-01 00:00:00+00' AND stamped_at < timestamptz '9000-01-01 00:00:00+00', TRUE
    )
) NOT VALID;

ALTER TABLE motcua.sources
ADD COLUMN look_back_at timestamptz,
ADD COLUMN set_back_from timestamptz,
ADD COLUMN set_back_at timestamptz,
ADD COLUMN set_back_by interval;
COMMENT ON COLUMN motcua.sources.look_back_at IS 'When the next pick-up is to look for rows that were written since, and are stamped as of before.';
COMMENT ON COLUMN motcua.sources.set_back_from IS 'Since when the source writes times that it had passed: its clock was set back. Empty: it never did.';
COMMENT ON COLUMN motcua.sources.set_back_at IS 'When it last did.';
COMMENT ON COLUMN motcua.sources.set_back_by IS 'By how much at most, since then.';

CREATE TABLE motcua.source_numberings (
    source_id smallint NOT NULL REFERENCES motcua.sources,
    recorded_from timestamptz NOT NULL,
    added bigint NOT NULL CHECK (added > 0),
    noticed_at timestamptz NOT NULL,
    PRIMARY KEY (source_id, added)
);
COMMENT ON TABLE motcua.source_numberings IS 'When a source began to number its steps anew, and what is added to its numbers since, so that each step has one of its own, after those before. Append-only.';
COMMENT ON COLUMN motcua.source_numberings.source_id IS 'The source.';
COMMENT ON COLUMN motcua.source_numberings.recorded_from IS 'The first recorded time under the new numbers.';
COMMENT ON COLUMN motcua.source_numberings.added IS 'What is added to a number of the source to make it ours.';
COMMENT ON COLUMN motcua.source_numberings.noticed_at IS 'When a pick-up met the new numbers.';
