-- Whether programs of before may be at work, whose pages, callbacks and purge take locks themselves: the ledger is
-- there, and its last migration did not give the callbacks the function that takes theirs. Called by
-- store/ledger/provisioning.py.
SELECT
    to_regclass('motcua.messages') IS NOT NULL
    AND NOT EXISTS (
        SELECT 1
        FROM pg_proc AS p
        INNER JOIN pg_roles AS r ON has_function_privilege(r.oid, p.oid, 'EXECUTE')
        WHERE p.oid = to_regprocedure('motcua.wait_for_phone(text)') AND r.rolname = 'motcua_callbacks'
    ) AS is_of_before
