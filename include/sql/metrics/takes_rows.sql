-- Whether the ledger can be read by our role and takes new rows: a standby, or one that was set to read only, does not.
-- Called by store/watching/health.py.
SELECT
    current_setting('transaction_read_only') = 'off'
    AND EXISTS (SELECT 1 FROM motcua.message_states) AS takes_rows
