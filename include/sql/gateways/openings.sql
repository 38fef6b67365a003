-- What senders found the connections of gateways to say, of those that they ever opened.
-- Called by store/notices/gateways.py.
SELECT name, opened_at, fault, carriers, segments_per_second, segments_per_day
FROM motcua.gateways
WHERE opened_at IS NOT NULL
ORDER BY name
