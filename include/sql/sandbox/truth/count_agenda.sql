-- How much is planned. Called by sandbox/world.py.
SELECT count(*) AS planned FROM world.agenda
