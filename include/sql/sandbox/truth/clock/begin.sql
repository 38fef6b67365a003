-- The world has begun: its history is written. Called by sandbox/world/clockwork.py.
INSERT INTO world.clock (began_at, alive_at, starts) VALUES (%(now)s, %(now)s, 1)
