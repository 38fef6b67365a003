-- Sources that results, supplements and apologies of [start, end) came of, among these.
-- Called by store/oversight/closings.py.
SELECT s.name
FROM motcua.sources AS s
WHERE
    s.name = any(%(names)s)
    AND EXISTS (
        SELECT 1
        FROM motcua.messages AS m
        LEFT JOIN motcua.transitions AS t ON m.transition_id = t.transition_id
        INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
        WHERE
            m.recorded_at >= %(start)s AND m.recorded_at < %(end)s AND m.kind <> 'reply'
            AND coalesce(t.source_id, d.source_id) = s.source_id
    )
ORDER BY s.name
