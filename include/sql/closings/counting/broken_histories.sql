-- Messages of [start, end) whose moves do not join, or do not end in the state that the message has now: somebody
-- took one out or changed one. Called by store/oversight/closings.py.
SELECT x.message_id
FROM (
    SELECT
        m.message_id,
        m.state,
        h.to_state,
        (h.from_state IS DISTINCT FROM lag(h.to_state) OVER w) AS is_gap,
        (lead(h.history_id) OVER w IS NULL) AS is_last
    FROM audit.messages AS m
    LEFT JOIN audit.message_history AS h ON m.message_id = h.message_id
    WHERE m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    WINDOW w AS (PARTITION BY m.message_id ORDER BY h.history_id)
) AS x
WHERE x.is_gap OR (x.is_last AND x.to_state IS DISTINCT FROM x.state)
GROUP BY x.message_id
ORDER BY x.message_id
LIMIT %(limit)s
