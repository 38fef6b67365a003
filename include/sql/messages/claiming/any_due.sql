-- Whether any message is due by then. Called by store/notices/messages.py.
SELECT EXISTS(
    SELECT 1 FROM motcua.messages
    WHERE
        state = 'queued'
        AND next_attempt_at <= %(by)s
        AND (%(start)s::timestamptz IS NULL OR (recorded_at >= %(start)s AND recorded_at < %(end)s))
) AS due
