-- The server's clock, its version, and how many sessions the database lets in. Called by store/ledger/inspecting.py.
SELECT
    clock_timestamp() AS clock,
    current_setting('server_version_num')::integer AS version,
    d.datconnlimit AS sessions
FROM pg_database AS d
WHERE d.datname = current_database()
