-- Segments handed over on a day, or (below zero) given back because they were surely not taken.
-- Called by store/notices/gateways.py.
INSERT INTO motcua.gateway_days (gateway, day, segments)
VALUES (%(gateway)s, %(day)s, greatest(%(segments)s, 0))
ON CONFLICT (gateway, day) DO UPDATE
    SET segments = greatest(gateway_days.segments + %(segments)s, 0)
