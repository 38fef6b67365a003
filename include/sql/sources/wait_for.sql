-- The source's row, locked once another pick-up has ended. Called by store/notices/sources.py.
SELECT
    source_id, name, cursor_transition_id, cursor_recorded_at, cursor_updated_at, look_back_at, set_back_from,
    set_back_at
FROM motcua.sources
WHERE name = %(name)s
FOR UPDATE
