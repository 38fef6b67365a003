-- What the connection of a gateway says, or what is wrong with it; touches no row that says so already.
-- Called by store/notices/gateways.py.
UPDATE motcua.gateways
SET
    opened_at = %(now)s,
    fault = %(fault)s,
    carriers = %(carriers)s,
    segments_per_second = %(segments_per_second)s,
    segments_per_day = %(segments_per_day)s
WHERE
    name = %(name)s
    AND (
        opened_at IS NULL
        OR (fault, carriers, segments_per_second, segments_per_day)
        IS DISTINCT FROM (
            %(fault)s::text,
            %(carriers)s::text[],
            %(segments_per_second)s::double precision,
            %(segments_per_day)s::bigint
        )
    )
