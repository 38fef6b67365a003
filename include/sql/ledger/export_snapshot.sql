-- Name under which another session can read what this transaction sees, as long as it lasts. Called by
-- store/ledger/dumps.py.
SELECT pg_export_snapshot() AS snapshot
