-- depends: 0034_runs
-- transactional: false
-- A dossier is found by the number that is on it, and a row in quarantine by the code that somebody asks for. Made
-- without holding up the pick-ups; one that was interrupted may be left over invalid.
DROP INDEX CONCURRENTLY IF EXISTS motcua.dossiers_msisdn;
CREATE INDEX CONCURRENTLY dossiers_msisdn ON motcua.dossiers (msisdn) WHERE msisdn IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS motcua.quarantine_code_key;
CREATE INDEX CONCURRENTLY quarantine_code_key ON motcua.quarantine (motcua.code_key(dossier_code))
WHERE dossier_code IS NOT NULL;
