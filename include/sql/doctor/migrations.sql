-- Names of the migrations that the ledger has. Called by store/ledger/inspecting.py.
SELECT m.migration_id FROM motcua.applied_migrations AS m
