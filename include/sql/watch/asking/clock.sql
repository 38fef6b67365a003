-- The ledger's clock. Called by store/watching/watch.py.
SELECT clock_timestamp() AS now
