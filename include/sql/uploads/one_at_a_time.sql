-- Until the end of the transaction nobody else puts a statement into its folder. Called by store/uploads.py.
SELECT pg_advisory_xact_lock(hashtext('motcua.statement_uploads'))
