-- Dossiers whose first known transition came with this pick-up and already calls for a message: their past must be
-- asked for, or an old event would look new. Called by store/notices/dossiers.py.
SELECT d.dossier_id, d.agency_code, d.dossier_code
FROM motcua.dossiers AS d
CROSS JOIN
    LATERAL (
        SELECT t.picked_up_at, t.status_code, t.at_one_stop_desk
        FROM motcua.transitions AS t
        WHERE t.dossier_id = d.dossier_id
        ORDER BY t.sequence, t.from_row, t.transition_id
        LIMIT 1
    ) AS f
WHERE
    d.dossier_id = any(%(dossier_ids)s)
    AND f.picked_up_at = %(now)s
    AND motcua.condition_of(f.status_code, f.at_one_stop_desk) IS NOT NULL
