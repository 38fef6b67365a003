-- depends: 0078_wrong_addresses
-- Store when the clock of a source was set back, and when a source began to number its transitions anew. A pick-up (the
-- reading of a source's new rows) reads the rows after the last time and number that were read. Without the new columns
-- and the new table, pick-ups would miss new rows that have an earlier time or a lower number.

ALTER TABLE motcua.dossiers ADD COLUMN stamped_at timestamptz;

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

CREATE TABLE motcua.source_numberings (
    source_id smallint NOT NULL REFERENCES motcua.sources,
    recorded_from timestamptz NOT NULL,
    added bigint NOT NULL CHECK (added > 0),
    noticed_at timestamptz NOT NULL,
    PRIMARY KEY (source_id, added)
);
