-- What this session's own view shows, as PostgreSQL writes it. Called by store/ledger/inspecting.py.
SELECT pg_get_viewdef(c.oid) AS body
FROM pg_class AS c
WHERE c.relname = 'doctor_looks' AND c.relnamespace = pg_my_temp_schema()
