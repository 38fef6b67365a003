-- Where the next pick-up begins, and what the watcher compares with. Called by store/notices/sources.py.
UPDATE motcua.sources
SET
    cursor_transition_id = coalesce(%(transition_id)s, cursor_transition_id),
    cursor_recorded_at = %(recorded_at)s,
    cursor_updated_at = %(updated_at)s,
    watch = %(watch)s,
    look_back_at = coalesce(%(look_back_at)s, look_back_at),
    -- After two days without it, another time is another fault.
    set_back_from = CASE
        WHEN %(set_back_by)s::interval IS NULL OR set_back_at > %(now)s::timestamptz - interval '2 days'
            THEN set_back_from
        ELSE %(now)s
    END,
    set_back_by = CASE
        WHEN %(set_back_by)s::interval IS NULL THEN set_back_by
        WHEN set_back_at > %(now)s::timestamptz - interval '2 days' THEN greatest(set_back_by, %(set_back_by)s)
        ELSE %(set_back_by)s
    END,
    set_back_at = CASE WHEN %(set_back_by)s::interval IS NULL THEN set_back_at ELSE %(now)s END,
    picked_up_at = %(now)s,
    failed_at = NULL,
    failure = NULL
WHERE source_id = %(source_id)s
