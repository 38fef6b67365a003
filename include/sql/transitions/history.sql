-- All transitions of these dossiers, in each dossier's order. Called by store/transitions.py.
SELECT transition_id, dossier_id, status_code, at_one_stop_desk, occurred_at, recorded_at, outcome
FROM motcua.transitions
WHERE dossier_id = any(%(dossier_ids)s)
ORDER BY dossier_id, sequence, from_row, transition_id
