-- How many different numbers of a carrier a gateway refused for their carrier, each counted when it was first refused
-- since then, the last so many of them; and whether the gateway took a message to that carrier meanwhile.
-- Called by store/notices/gateways.py.
WITH refused AS (
    SELECT min(a.attempt_id) AS attempt_id
    FROM motcua.attempts AS a
    INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
    WHERE
        a.gateway = %(gateway)s
        AND a.concerns = 'carrier'
        AND a.answered_at > %(since)s
        AND m.carrier = %(carrier)s
    GROUP BY a.msisdn
    ORDER BY min(a.attempt_id) DESC
    LIMIT %(numbers)s
)

SELECT
    (SELECT count(*) FROM refused) AS refused,
    exists(
        SELECT 1
        FROM motcua.attempts AS a
        WHERE
            a.attempt_id > (SELECT min(r.attempt_id) FROM refused AS r)
            AND a.gateway = %(gateway)s
            AND a.state IN ('accepted', 'delivered', 'undelivered')
            -- Asked of each attempt since then: joined, all messages were looked through for one of the carrier.
            AND (SELECT m.carrier FROM motcua.messages AS m WHERE m.message_id = a.message_id) = %(carrier)s
    ) AS took_one
