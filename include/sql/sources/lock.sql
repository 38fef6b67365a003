-- The source's row, locked; no row: another pick-up is at work on it. Called by store/notices/sources.py.
SELECT
    source_id, name, cursor_transition_id, cursor_recorded_at, cursor_updated_at, look_back_at, set_back_from,
    set_back_at
FROM motcua.sources
WHERE name = %(name)s
FOR UPDATE SKIP LOCKED
