-- Dossiers whose row is newer than their last transition and differs from it in what it calls for.
-- Called by store/dossiers.py.
SELECT d.dossier_id, d.agency_code, d.dossier_code
FROM motcua.dossiers AS d
LEFT JOIN LATERAL (
    SELECT t.recorded_at, t.status_code, t.at_one_stop_desk
    FROM motcua.transitions AS t
    WHERE t.dossier_id = d.dossier_id
    ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
    LIMIT 1
) AS l ON TRUE
WHERE
    d.dossier_id = any(%(dossier_ids)s)
    AND d.status_code IS NOT NULL
    AND d.updated_at IS NOT NULL
    AND d.updated_at > coalesce(l.recorded_at, '-infinity')
    AND motcua.condition_of(d.status_code, d.at_one_stop_desk)
    IS DISTINCT FROM motcua.condition_of(l.status_code, l.at_one_stop_desk)
