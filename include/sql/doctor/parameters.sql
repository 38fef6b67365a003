-- Parameters of the server as a session of ours meets them when it begins, and what set them: all, or only those that
-- the connection itself asks for. Called by store/ledger/inspecting.py.
SELECT
    s.name,
    s.reset_val AS setting,
    coalesce(s.unit, '') AS unit,
    s.boot_val AS by_default,
    s.source
FROM pg_settings AS s
WHERE s.reset_val IS NOT NULL AND (s.source = 'client' OR NOT %(asked_for)s::boolean)
