-- Forgets a world whose beginning was broken off. Called by sandbox/world/clockwork.py.
TRUNCATE truth.events, truth.expected_notices, world.agenda, world.dossiers, world.serials RESTART IDENTITY
