-- What a gateway with limits has left, locked until the claim is committed, so that all senders together keep to them.
-- Called by store/notices/gateways.py.
SELECT
    g.free_at,
    coalesce((
        SELECT d.segments FROM motcua.gateway_days AS d
        WHERE d.gateway = g.name AND d.day = %(day)s
    ), 0) AS segments_today
FROM motcua.gateways AS g
WHERE g.name = %(gateway)s
FOR UPDATE OF g
