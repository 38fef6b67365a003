-- Queued messages of a window whose last attempt failed in passing: due at once. For backfills. What people have
-- stopped, or are to decide on, waits for them. Called by store/notices/messages.py.
UPDATE motcua.messages
SET next_attempt_at = %(now)s
WHERE
    state = 'queued'
    AND attempts_made > 0
    AND coalesce(reason, '') NOT IN ('stopped', 'slept')
    AND recorded_at >= %(start)s
    AND recorded_at < %(end)s
