-- depends: 0091_closing_channels
-- transactional: false
-- At the counter a dossier is found by the last signs of its code, within an agency. Made without holding up pick-up;
-- one that was interrupted may be left over invalid.
DROP INDEX CONCURRENTLY IF EXISTS motcua.dossiers_code_tail;
CREATE INDEX CONCURRENTLY dossiers_code_tail ON motcua.dossiers (
    agency_code, (reverse(translate(motcua.code_key(dossier_code), './-', '')) COLLATE "C")
);
