-- Gateways that are stopped now. Called by store/gateways.py.
SELECT name, stopped_until, stopped_reason
FROM motcua.gateways
WHERE stopped_until > %(now)s
