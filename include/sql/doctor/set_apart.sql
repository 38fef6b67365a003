-- Parameters that are set for a role of ours alone, for a database, or for both; empty: for all. Called by
-- store/ledger/inspecting.py.
SELECT
    coalesce(r.rolname::text, '') AS role,
    coalesce(d.datname::text, '') AS database,
    split_part(c.written, '=', 1) AS name,
    substr(c.written, strpos(c.written, '=') + 1) AS setting
FROM pg_db_role_setting AS s
CROSS JOIN unnest(s.setconfig) AS c (written)
LEFT JOIN pg_roles AS r ON s.setrole = r.oid
LEFT JOIN pg_database AS d ON s.setdatabase = d.oid
WHERE (s.setrole = 0 OR r.rolname = any(%(roles)s)) AND (s.setdatabase = 0 OR d.datname = current_database())
ORDER BY role, database, name
