-- The server's clock, its version, and the time zone that it gives a session that asks for none. Called by
-- store/ledger/inspecting.py.
SELECT
    clock_timestamp() AS clock,
    current_setting('server_version_num')::integer AS version,
    (SELECT s.reset_val FROM pg_settings AS s WHERE s.name = 'TimeZone') AS zone
