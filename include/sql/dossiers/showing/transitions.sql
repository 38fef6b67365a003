-- A dossier's steps, the newest first: where it went, at the desk or not, and what planning made of it; an old one,
-- typed in late, with whether it counts. No notes, and nobody's name. Called by store/dossiers.py.
SELECT
    t.transition_id,
    t.recorded_at AS at,
    t.occurred_at,
    t.from_step,
    t.to_step,
    t.status_code,
    t.at_one_stop_desk,
    t.from_row,
    t.outcome,
    t.message_id,
    o.transition_id IS NOT NULL AS is_old,
    o.has_force
FROM motcua.transitions AS t
LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
WHERE t.dossier_id = %(dossier_id)s
ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
LIMIT %(limit)s
