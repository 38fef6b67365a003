-- Moves of a dossier whose second half is still to be written, oldest first. Called by sandbox/world/clockwork.py.
SELECT action_id FROM world.agenda
WHERE dossier_id = %(dossier_id)s AND act ->> 'kind' = 'write'
ORDER BY due_at, action_id
