-- What pick-ups met at a source since a moment that it is to be told of: its clock was set back, since when and by how
-- much; it began to number its steps anew. Called by store/notices/sources.py.
SELECT
    s.set_back_from,
    s.set_back_by,
    (
        SELECT max(n.noticed_at) FROM motcua.source_numberings AS n
        WHERE n.source_id = s.source_id AND n.noticed_at >= %(since)s
    ) AS renumbered_at
FROM (
    SELECT
        k.source_id,
        CASE WHEN k.set_back_at >= %(since)s THEN k.set_back_from END AS set_back_from,
        CASE WHEN k.set_back_at >= %(since)s THEN k.set_back_by END AS set_back_by
    FROM motcua.sources AS k
    WHERE k.name = %(name)s
) AS s
