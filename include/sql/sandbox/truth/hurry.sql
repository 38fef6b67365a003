-- A batch at the end of the day: one official of the agency makes, at once, the moves to 9 and 10 that come
-- next for a dozen dossiers. Returns the dossiers. Called by sandbox/world.py.
WITH next_acts AS (
    SELECT DISTINCT ON (a.dossier_id)
        a.action_id,
        a.act
    FROM world.agenda AS a
    INNER JOIN world.dossiers AS d ON a.dossier_id = d.dossier_id
    WHERE d.agency_code = %(agency_code)s
    ORDER BY a.dossier_id, a.due_at, a.action_id
),

chosen AS (
    SELECT next_acts.action_id FROM next_acts
    WHERE next_acts.act ->> 'kind' = 'move' AND next_acts.act -> 'move' ->> 'status' IN ('9', '10')
    ORDER BY next_acts.action_id
    LIMIT 12
)

UPDATE world.agenda
SET due_at = %(now)s, act = jsonb_set(act, '{move,actor}', to_jsonb(%(actor)s::text))
FROM chosen
WHERE agenda.action_id = chosen.action_id
RETURNING agenda.dossier_id
