-- The lowest number of a source's steps that we have, from a number on; NULL: none. Called by
-- store/notices/transitions.py.
SELECT min(t.source_transition_id) AS number
FROM motcua.transitions AS t
WHERE t.source_id = %(source_id)s AND t.source_transition_id >= %(from_number)s
