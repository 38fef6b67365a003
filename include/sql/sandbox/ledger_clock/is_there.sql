-- A row where a ledger's past was begun and is not done. Called by sandbox/past/ledger_clock.py.
SELECT n.nspname
FROM pg_namespace AS n
WHERE n.nspname = 'sandbox_clock'
