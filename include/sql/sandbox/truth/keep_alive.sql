-- The world is alive. Called by sandbox/world.py.
UPDATE world.clock SET alive_at = %(now)s
