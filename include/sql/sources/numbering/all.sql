-- When a source began to number its steps anew, in order, and what is added to its numbers since. Called by
-- store/notices/sources.py.
SELECT
    n.recorded_from,
    n.added
FROM motcua.source_numberings AS n
WHERE n.source_id = %(source_id)s
ORDER BY n.added
