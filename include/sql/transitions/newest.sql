-- Steps of the highest numbers of a source that we have, the highest first; what no sequence reaches is none. Called by
-- store/notices/transitions.py.
SELECT
    t.source_transition_id AS number,
    d.dossier_code,
    t.occurred_at,
    t.recorded_at,
    t.picked_up_at
FROM motcua.transitions AS t
INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
WHERE t.source_id = %(source_id)s AND t.source_transition_id BETWEEN 0 AND 4611686018427387904
ORDER BY t.source_transition_id DESC
LIMIT %(most)s
