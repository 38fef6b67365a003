-- Lets other connections see what this transaction sees. Called by store/oversight/quality.py.
SELECT pg_export_snapshot() AS moment
