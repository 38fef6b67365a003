-- depends: 0078_wrong_addresses
-- Store when the clock of a source was set back, and when a source began to number its transitions anew. A pick-up
-- reads the rows after the last time and number that it has read. Without these facts it would therefore miss new rows
-- whose time or number is lower.

ALTER TABLE motcua.dossiers ADD COLUMN stamped_at timestamptz;
COMMENT ON COLUMN motcua.dossiers.stamped_at IS 'Time of the last change as the source gives it, if updated_at is not that time because it cannot be true. Empty: updated_at is the source''s time.';

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
COMMENT ON COLUMN motcua.sources.look_back_at IS 'When a pick-up must next search for rows that were written after the last pick-up but have an earlier time.';
COMMENT ON COLUMN motcua.sources.set_back_from IS 'When the source began to write times that are earlier than times that it had written before, because its clock was set back; empty: this never happened.';
COMMENT ON COLUMN motcua.sources.set_back_at IS 'When the source last wrote such a time.';
COMMENT ON COLUMN motcua.sources.set_back_by IS 'The largest amount by which a time since set_back_from was too early.';

CREATE TABLE motcua.source_numberings (
    source_id smallint NOT NULL REFERENCES motcua.sources,
    recorded_from timestamptz NOT NULL,
    added bigint NOT NULL CHECK (added > 0),
    noticed_at timestamptz NOT NULL,
    PRIMARY KEY (source_id, added)
);
COMMENT ON TABLE motcua.source_numberings IS 'When a source began to number its transitions anew, and which amount is added to its numbers since then, so that each transition gets a unique number larger than all earlier numbers. Append-only.';
COMMENT ON COLUMN motcua.source_numberings.source_id IS 'The source with the new numbering.';
COMMENT ON COLUMN motcua.source_numberings.recorded_from IS 'Recorded time of the first transition with the new numbering.';
COMMENT ON COLUMN motcua.source_numberings.added IS 'Amount that is added to a transition''s number at the source to get source_transition_id in the ledger.';
COMMENT ON COLUMN motcua.source_numberings.noticed_at IS 'When a pick-up noticed the new numbering.';
