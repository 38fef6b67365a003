-- Starts a stopped gateway again. Called by store/gateways.py.
UPDATE motcua.gateways SET stopped_until = NULL, stopped_reason = NULL
WHERE name = %(name)s
