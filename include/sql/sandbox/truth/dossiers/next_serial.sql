-- The next number of a series of dossier codes. Called by sandbox/world/clockwork.py.
INSERT INTO world.serials (agency_code, series, last) VALUES (%(agency_code)s, %(series)s, 1)
ON CONFLICT (agency_code, series) DO UPDATE SET last = serials.last + 1
RETURNING last
