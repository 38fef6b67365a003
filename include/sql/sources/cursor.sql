-- How far a source has been read; to be asked once its pick-up may begin. Called by store/notices/sources.py.
SELECT
    source_id, name, cursor_transition_id, cursor_recorded_at, cursor_updated_at, look_back_at, set_back_from,
    set_back_at
FROM motcua.sources
WHERE name = %(name)s
