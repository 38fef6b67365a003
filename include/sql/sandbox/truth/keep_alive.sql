-- The world is alive. Called by sandbox/clockwork.py.
UPDATE world.clock SET alive_at = %(now)s
