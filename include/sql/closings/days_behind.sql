-- Which of these days, days of Vietnam that fill [start, end), have a newest closing that may lack messages. Called by
-- store/oversight/closings.py.
WITH days AS (
    SELECT DISTINCT ON (c.period)
        c.period::date AS day,
        c.known_message
    FROM audit.closings AS c
    WHERE c.period = any(%(days)s::text[])
    ORDER BY c.period, c.closing_no DESC
)

SELECT DISTINCT d.day
FROM audit.messages AS m
INNER JOIN days AS d ON (m.recorded_at AT TIME ZONE interval '+07:00')::date = d.day
WHERE m.recorded_at >= %(start)s AND m.recorded_at < %(end)s AND m.message_id > d.known_message
