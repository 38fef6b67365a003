-- All transitions of these dossiers, in each dossier's order, old steps with what the dossier's row said of them.
-- Called by store/notices/transitions.py.
SELECT
    t.transition_id,
    t.dossier_id,
    t.status_code,
    t.at_one_stop_desk,
    t.occurred_at,
    t.recorded_at,
    t.outcome,
    o.transition_id IS NOT NULL AS is_old,
    o.version_id IS NOT NULL AS row_was_read,
    motcua.condition_of(v.status_code, v.at_one_stop_desk) AS row_calls_for
FROM motcua.transitions AS t
LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
WHERE t.dossier_id = any(%(dossier_ids)s)
ORDER BY t.dossier_id, t.sequence, t.from_row, t.transition_id
