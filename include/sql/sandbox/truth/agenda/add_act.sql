-- Something that is going to happen. Called by sandbox/world/clockwork.py.
INSERT INTO world.agenda (dossier_id, due_at, act) VALUES (%(dossier_id)s, %(due_at)s, %(act)s)
RETURNING action_id
