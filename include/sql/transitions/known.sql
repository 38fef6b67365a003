-- Which of these numbers of a source we have. Called by store/notices/transitions.py.
SELECT source_transition_id
FROM motcua.transitions
WHERE source_id = %(source_id)s AND source_transition_id = any(%(numbers)s)
