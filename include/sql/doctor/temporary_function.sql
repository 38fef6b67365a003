-- What this session's own function does, as PostgreSQL writes it. Called by store/ledger/inspecting.py.
SELECT pg_get_function_sqlbody(p.oid) AS body
FROM pg_proc AS p
WHERE p.proname = 'doctor_looks' AND p.pronamespace = pg_my_temp_schema()
