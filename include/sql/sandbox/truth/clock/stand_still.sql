-- Puts everything off by the time in which the world stood still. Called by sandbox/world/clockwork.py.
UPDATE world.agenda SET due_at = due_at + %(pause)s
