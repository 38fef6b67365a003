-- A batch at the end of the day: one official of the agency makes, at once, the moves to 9 and 10 that come
-- next for a dozen dossiers. Returns the dossiers. Called by sandbox/world/clockwork.py.
WITH ours AS (
    SELECT dossier_id FROM world.dossiers
    WHERE agency_code = %(agency_code)s
),

next_acts AS (
    SELECT DISTINCT ON (a.dossier_id)
        a.action_id,
        a.act
    FROM world.agenda AS a
    INNER JOIN ours ON a.dossier_id = ours.dossier_id
    ORDER BY a.dossier_id, a.due_at, a.action_id
),

chosen AS (
    SELECT action_id FROM next_acts
    WHERE act ->> 'kind' = 'move' AND act -> 'move' ->> 'status' IN ('9', '10')
    ORDER BY action_id
    LIMIT 12
)

UPDATE world.agenda
SET due_at = %(now)s, act = jsonb_set(act, '{move,actor}', to_jsonb(%(actor)s::text))
FROM chosen
WHERE agenda.action_id = chosen.action_id
RETURNING agenda.dossier_id
