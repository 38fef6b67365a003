-- Gateways that were ever used. Called by store/notices/gateways.py.
SELECT name FROM motcua.gateways
ORDER BY name
