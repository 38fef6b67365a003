-- The world is alive. Called by sandbox/world/clockwork.py.
UPDATE world.clock SET alive_at = %(now)s
