-- Messages that were set aside for longer than they are stopped by now: due at once, or when what still stops them
-- ends. One that is locked is somebody's who looks at it anew. Called by store/notices/stops.py.
UPDATE motcua.messages AS m
SET next_attempt_at = coalesce(w.until, %(now)s), reason = CASE WHEN w.until IS NOT NULL THEN 'stopped' END
FROM (
    SELECT q.message_id, motcua.stopped_until(q.kind, q.agency_code, %(now)s) AS until
    FROM motcua.messages AS q
    WHERE
        q.state = 'queued'
        AND q.reason = 'stopped'
        AND q.next_attempt_at > coalesce(motcua.stopped_until(q.kind, q.agency_code, %(now)s), %(now)s)
    ORDER BY q.message_id
    FOR UPDATE SKIP LOCKED
) AS w
WHERE m.message_id = w.message_id
RETURNING m.message_id, w.until
