-- Waits until nobody else empties personal data, and keeps others waiting for the rest of this transaction: lock 7 of
-- store/ledger/locks.py. The purge takes no lock but this one. Called by include/sql/personal_data/wait.sql.
CREATE OR REPLACE FUNCTION motcua.wait_for_emptying() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(7)
$$;
COMMENT ON FUNCTION motcua.wait_for_emptying()
IS 'Waits until nobody else empties personal data, and holds that for the rest of the transaction.';
