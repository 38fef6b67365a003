-- depends: 0005_inquiries
-- transactional: false
-- Made without holding up the pick-ups; one that was interrupted may be left over invalid.
DROP INDEX CONCURRENTLY IF EXISTS motcua.dossiers_code_key;
CREATE INDEX CONCURRENTLY dossiers_code_key ON motcua.dossiers (motcua.code_key(dossier_code));
