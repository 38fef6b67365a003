-- Gateways to which segments were handed in a month for which no statement is there. Reads audit views only. Called by
-- store/oversight/statements.py.
SELECT d.gateway, sum(d.segments)::bigint AS segments
FROM audit.gateway_days AS d
WHERE
    d.gateway = any(%(gateways)s) AND d.day >= %(month)s AND d.day < %(next_month)s
    AND NOT EXISTS (
        SELECT 1 FROM audit.carrier_statements AS s WHERE s.gateway = d.gateway AND s.month = %(month)s
    )
GROUP BY d.gateway
HAVING sum(d.segments) > 0
ORDER BY d.gateway
