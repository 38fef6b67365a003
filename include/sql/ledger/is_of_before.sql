-- Whether programs of before may be at work, whose pages, callbacks and purge take locks themselves: the ledger is there, and
-- lacks the functions that take theirs. Called by store/ledger/provisioning.py.
SELECT to_regclass('motcua.messages') IS NOT NULL AND to_regprocedure('motcua.wait_for_phone(text)') IS NULL AS is_of_before
