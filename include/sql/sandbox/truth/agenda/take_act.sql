-- Takes one act off the agenda; no row: a visitor was quicker. Called by sandbox/world/clockwork.py.
DELETE FROM world.agenda
WHERE action_id = %(action_id)s
RETURNING act
