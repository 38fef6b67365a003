-- Names of the migrations that the ledger has, for those who may not read the tables of whatever applies them.
CREATE OR REPLACE VIEW motcua.applied_migrations AS
SELECT m.migration_id, m.applied_at_utc AS applied_at
FROM public._yoyo_migration AS m;
COMMENT ON VIEW motcua.applied_migrations IS 'Migrations that the ledger has, each with when it was applied (UTC, without a zone).';
