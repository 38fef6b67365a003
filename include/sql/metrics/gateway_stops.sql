-- How much is stopped at each gateway: the gateway itself, carriers, templates.
-- Called by store/watching/metrics.py.
SELECT g.name AS gateway, c.concerns, count(s.gateway) AS stops
FROM motcua.gateways AS g
CROSS JOIN (VALUES ('gateway'), ('carrier'), ('template')) AS c (concerns)
LEFT JOIN motcua.gateway_stops AS s ON g.name = s.gateway AND c.concerns = s.concerns
GROUP BY g.name, c.concerns
ORDER BY g.name, c.concerns
