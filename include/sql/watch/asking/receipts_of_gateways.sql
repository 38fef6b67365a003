-- Of each gateway's last attempts that it took, older than a moment and younger than another: how many there are, how
-- many of them a receipt ended, and when the oldest of these attempts began. Called by store/watching/watch.py.
WITH latest AS (
    SELECT
        a.gateway,
        a.state,
        a.started_at
    FROM motcua.attempts AS a
    WHERE a.started_at < %(before)s
    ORDER BY a.attempt_id DESC
    LIMIT 300
),

taken AS (
    SELECT
        l.*,
        row_number() OVER (PARTITION BY l.gateway ORDER BY l.started_at DESC) AS place
    FROM latest AS l
    WHERE l.started_at >= %(since)s AND l.state IN ('accepted', 'delivered', 'undelivered')
)

SELECT
    t.gateway,
    count(*) AS taken,
    count(*) FILTER (WHERE t.state <> 'accepted') AS reported,
    min(t.started_at) AS since
FROM taken AS t
WHERE t.place <= 10
GROUP BY t.gateway
ORDER BY t.gateway
