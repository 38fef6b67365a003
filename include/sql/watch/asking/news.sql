-- How many transitions each source recorded in each of these stretches of time, counted up to "enough".
-- Called by store/watching/watch.py.
SELECT
    s.name AS source,
    w.place,
    (
        SELECT count(*)
        FROM (
            SELECT 1
            FROM motcua.transitions AS t
            WHERE t.source_id = s.source_id AND t.recorded_at >= w.begins AND t.recorded_at < w.ends
            LIMIT %(enough)s  -- noqa: AM09
        ) AS f
    ) AS seen
FROM motcua.sources AS s
CROSS JOIN
    unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY AS w (begins, ends, place)
WHERE s.name = any(%(names)s::text[])
ORDER BY s.name, w.place
