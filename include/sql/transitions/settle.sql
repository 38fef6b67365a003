-- What planning made of a batch of transitions. Called by store/notices/transitions.py.
UPDATE motcua.transitions AS t
SET
    planned_at = coalesce(t.planned_at, %(now)s),
    outcome = r.outcome,
    message_id = (
        SELECT m.message_id FROM motcua.messages AS m
        WHERE m.transition_id = r.begun_by AND m.kind IN ('result', 'supplement')
    )
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (transition_id bigint, outcome text, begun_by bigint)
WHERE t.transition_id = r.transition_id
