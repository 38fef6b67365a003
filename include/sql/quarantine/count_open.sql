-- How many rows of each source are in quarantine, counted up to "most". Called by store/notices/quarantine.py.
SELECT
    s.name AS source,
    (
        SELECT count(*)
        FROM (
            SELECT 1
            FROM motcua.quarantine AS q
            WHERE q.source_id = s.source_id AND q.released_at IS NULL
            LIMIT %(most)s  -- noqa: AM09
        ) AS o
    ) AS rows
FROM motcua.sources AS s
ORDER BY s.name
