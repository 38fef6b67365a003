-- depends: 0091_closing_channels
-- transactional: false
-- Add an index that finds a dossier of an agency by the last characters of its code. Staff at the counter type these.
-- The index is built concurrently so that dossiers can be written meanwhile. An interrupted build leaves an invalid
-- index, which the next try drops first.
SET lock_timeout = '2s';
DROP INDEX CONCURRENTLY IF EXISTS motcua.dossiers_code_tail;
CREATE INDEX CONCURRENTLY dossiers_code_tail ON motcua.dossiers (
    agency_code, (reverse(translate(motcua.code_key(dossier_code), './-', '')) COLLATE "C")
);
