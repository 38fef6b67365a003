-- What is stopped, gateways and carriers among it whose time is over but which have taken nothing since.
-- Called by store/notices/gateways.py.
SELECT gateway, concerns, subject, stopped_at, until, reason, by_hand, pause
FROM motcua.gateway_stops
ORDER BY gateway, concerns, subject
