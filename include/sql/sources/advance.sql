-- Where the next pick-up begins, and what the watcher compares with. Called by store/notices/sources.py.
UPDATE motcua.sources
SET
    cursor_transition_id = coalesce(%(transition_id)s, cursor_transition_id),
    cursor_recorded_at = %(recorded_at)s,
    cursor_updated_at = %(updated_at)s,
    watch = %(watch)s,
    picked_up_at = %(now)s,
    failed_at = NULL,
    failure = NULL
WHERE source_id = %(source_id)s
