-- How much is planned. Called by sandbox/world/clockwork.py.
SELECT count(*) AS planned FROM world.agenda
