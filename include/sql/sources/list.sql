-- All sources with their cursors and last failure. Called by store/sources.py.
SELECT
    source_id,
    name,
    cursor_transition_id,
    cursor_recorded_at,
    cursor_updated_at,
    watch,
    picked_up_at,
    failed_at,
    failure
FROM motcua.sources
ORDER BY name
