-- The ledger's clock. Called by store/oversight/watch.py.
SELECT clock_timestamp() AS now
