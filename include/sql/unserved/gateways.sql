-- Gateways as senders last found their connections to say: carriers, limits, and whether they can be used at all; and
-- when each was last taken off a stop, as far as the newest changes tell. Called by store/watching/unserved.py.
SELECT
    n.name,
    g.carriers,
    g.fault IS NOT NULL AS is_broken,
    g.segments_per_second AS per_second,
    g.segments_per_day IS NOT NULL AS has_day,
    (
        SELECT max(c.changed_at)
        FROM (
            SELECT h.gateway, h.change, h.changed_at
            FROM motcua.gateway_changes AS h
            ORDER BY h.change_id DESC
            LIMIT 100
        ) AS c
        WHERE c.gateway = n.name AND c.change = 'started' AND c.changed_at <= %(now)s
    ) AS started_at
FROM unnest(%(gateways)s::text[]) WITH ORDINALITY AS n (name, place)
LEFT JOIN motcua.gateways AS g ON n.name = g.name
ORDER BY n.place
