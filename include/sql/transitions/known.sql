-- Which of these numbers of a source we have, and what of each tells it from another step: each is looked up by itself,
-- however many the source has. Called by store/notices/transitions.py.
SELECT
    t.source_transition_id AS number,
    d.dossier_code,
    t.occurred_at,
    t.recorded_at,
    t.picked_up_at
FROM unnest(%(numbers)s::bigint[]) AS n (source_transition_id)
CROSS JOIN
    LATERAL (
        SELECT k.*
        FROM motcua.transitions AS k
        WHERE k.source_id = %(source_id)s AND k.source_transition_id = n.source_transition_id
        LIMIT 1  -- noqa: AM09
    ) AS t
INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
