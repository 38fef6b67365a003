-- depends: 0066_manysources
-- transactional: false
-- The first dossier of an agency, and the sources that hold any, are found without the others' dossiers, however many
-- there are. Made without holding up the pick-ups; one that was interrupted may be left over invalid.
DROP INDEX CONCURRENTLY IF EXISTS motcua.dossiers_of_agency;
CREATE INDEX CONCURRENTLY dossiers_of_agency ON motcua.dossiers (agency_code, source_id, dossier_id);
