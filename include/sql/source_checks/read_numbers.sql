-- Of these numbers of a source, when each was read, and whether its row was ever quarantined. Called by
-- store/checking/checks.py.
SELECT
    n.number,
    t.picked_up_at,
    q.quarantine_id IS NOT NULL AS set_aside
FROM unnest(%(numbers)s::bigint[]) AS n (number)
LEFT JOIN motcua.transitions AS t ON t.source_id = %(source_id)s AND n.number = t.source_transition_id
LEFT JOIN motcua.quarantine AS q
    ON q.source_id = %(source_id)s AND q.row_kind = 'transition' AND n.number::text = q.row_key
