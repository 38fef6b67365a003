-- Which of these numbers of a source we have: each is looked up by itself, however many the source has. Called by
-- store/notices/transitions.py.
SELECT t.source_transition_id
FROM unnest(%(numbers)s::bigint[]) AS n (source_transition_id)
CROSS JOIN LATERAL (
    SELECT k.source_transition_id
    FROM motcua.transitions AS k
    WHERE k.source_id = %(source_id)s AND k.source_transition_id = n.source_transition_id
    LIMIT 1  -- noqa: AM09
) AS t
