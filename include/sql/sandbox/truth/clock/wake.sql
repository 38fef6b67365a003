-- The world lives again. Called by sandbox/world/clockwork.py.
UPDATE world.clock SET alive_at = %(now)s, starts = starts + 1 RETURNING starts
