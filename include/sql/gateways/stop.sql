-- Stops a gateway after a configuration error: nothing more is spent on it until then. Called by store/gateways.py.
UPDATE motcua.gateways SET stopped_until = %(until)s, stopped_reason = left(%(reason)s, 200)
WHERE name = %(name)s
