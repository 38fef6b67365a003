-- How much is planned. Called by sandbox/clockwork.py.
SELECT count(*) AS planned FROM world.agenda
