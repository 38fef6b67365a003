-- Where in the queue the newest message is that a stopped carrier is tried again with: one whose number was not refused
-- there, or any due one. The newest, since the oldest may all be what stopped it. Called by store/notices/messages.py.
SELECT q.next_attempt_at, q.message_id
FROM motcua.messages AS q
WHERE
    q.state = 'queued'
    AND q.next_attempt_at <= %(now)s
    AND q.carrier = %(carrier)s
    AND NOT %(gateway)s = any(q.avoid)
    AND (q.reason IS DISTINCT FROM 'carrier_refused' OR %(refused_too)s)
    AND (%(start)s::timestamptz IS NULL OR (q.recorded_at >= %(start)s AND q.recorded_at < %(end)s))
ORDER BY q.next_attempt_at DESC, q.message_id DESC
LIMIT 1
