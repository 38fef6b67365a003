-- Queued messages that are no longer useful, also while no gateway may be used. Called by store/notices/messages.py.
UPDATE motcua.messages AS m
SET state = 'expired', reason = 'too_late'
WHERE m.message_id IN (
    SELECT n.message_id
    FROM motcua.messages AS n
    WHERE
        n.state = 'queued' AND n.useful_until <= %(now)s
        AND (%(start)s::timestamptz IS NULL OR (n.recorded_at >= %(start)s AND n.recorded_at < %(end)s))
    -- In the queue's own order: in the messages', all there ever were would be read where many are queued.
    ORDER BY n.next_attempt_at, n.message_id
    LIMIT 10000
    FOR UPDATE SKIP LOCKED
)
