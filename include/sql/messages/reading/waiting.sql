-- How many messages are due, of these carriers or all, and how many wait for a later attempt after a failure; what
-- waits because people stopped it, or for their word, is none of these. Called by store/notices/messages.py.
SELECT
    count(*) FILTER (
        WHERE next_attempt_at <= %(now)s AND (%(carriers)s::text[] IS NULL OR carrier = any(%(carriers)s))
    ) AS due,
    count(*) FILTER (WHERE attempts_made > 0 AND coalesce(reason, '') NOT IN ('stopped', 'slept')) AS failed
FROM motcua.messages
WHERE
    state = 'queued'
    AND (%(start)s::timestamptz IS NULL OR (recorded_at >= %(start)s AND recorded_at < %(end)s))
