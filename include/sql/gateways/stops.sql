-- What is stopped, gateways among it whose time is over but which have not answered since. Called by store/gateways.py.
SELECT gateway, concerns, subject, stopped_at, until, reason, by_hand
FROM motcua.gateway_stops
ORDER BY gateway, concerns, subject
