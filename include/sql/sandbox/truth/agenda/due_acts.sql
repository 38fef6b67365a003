-- What is due, oldest first. Called by sandbox/world/clockwork.py.
SELECT
    action_id,
    dossier_id
FROM world.agenda
WHERE due_at <= %(now)s
ORDER BY due_at, action_id
LIMIT 200
