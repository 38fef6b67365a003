-- Dossiers whose row is newer than their last transition and differs from it in what it calls for; where that one is an
-- old step that does not count, also from what held before it. Called by store/notices/dossiers.py.
SELECT d.dossier_id, d.agency_code, d.dossier_code
FROM motcua.dossiers AS d
LEFT JOIN LATERAL (
    SELECT t.recorded_at, t.status_code, t.at_one_stop_desk, o.has_force
    FROM motcua.transitions AS t
    LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
    WHERE t.dossier_id = d.dossier_id
    ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
    LIMIT 1
) AS l ON TRUE
LEFT JOIN LATERAL (
    SELECT t.status_code, t.at_one_stop_desk
    FROM motcua.transitions AS t
    LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
    WHERE t.dossier_id = d.dossier_id AND coalesce(o.has_force, o.transition_id IS NULL)
    ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
    LIMIT 1
) AS b ON NOT l.has_force
WHERE
    d.dossier_id = any(%(dossier_ids)s)
    AND d.status_code IS NOT NULL
    AND d.updated_at IS NOT NULL
    AND d.updated_at > coalesce(l.recorded_at, '-infinity')
    AND (
        motcua.condition_of(d.status_code, d.at_one_stop_desk)
        IS DISTINCT FROM motcua.condition_of(l.status_code, l.at_one_stop_desk)
        OR (
            NOT l.has_force
            AND motcua.condition_of(d.status_code, d.at_one_stop_desk)
            IS DISTINCT FROM motcua.condition_of(b.status_code, b.at_one_stop_desk)
        )
    )
