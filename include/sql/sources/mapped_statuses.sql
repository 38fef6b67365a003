-- What status codes of sources were said to stand for, with who said so last, and until when that holds. Called by
-- store/notices/sources.py.
SELECT
    s.name AS source,
    m.source_status,
    m.status_code,
    m.mapped_at,
    m.ends_at,
    c.changed_by AS mapped_by,
    c.status_before
FROM motcua.status_meanings AS m
INNER JOIN motcua.sources AS s ON m.source_id = s.source_id
LEFT JOIN LATERAL (
    SELECT k.changed_by, k.status_before
    FROM motcua.status_map_changes AS k
    WHERE k.source_id = m.source_id AND k.source_status = m.source_status
    ORDER BY k.change_id DESC
    LIMIT 1
) AS c ON TRUE
ORDER BY s.name, m.source_status
