-- When the world began and was last alive; no row: it has not begun. Called by sandbox/world/clockwork.py.
SELECT
    began_at,
    alive_at,
    starts
FROM world.clock
