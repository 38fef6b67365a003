-- Messages recorded in [start, end) that a gateway took, and how many of them reached a phone; replies are left out,
-- since no receipt tells of them. Called by store/watching/watch.py.
SELECT
    count(*) AS taken,
    count(*) FILTER (WHERE m.state = 'delivered') AS delivered
FROM motcua.messages AS m
WHERE
    m.recorded_at >= %(start)s
    AND m.recorded_at < %(end)s
    AND m.accepted_at IS NOT NULL
    AND m.kind <> 'reply'
    AND m.state IN ('accepted', 'delivered', 'undelivered', 'unconfirmed')
