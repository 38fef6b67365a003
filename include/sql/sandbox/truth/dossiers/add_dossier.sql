-- A new dossier. Called by sandbox/world/clockwork.py.
INSERT INTO world.dossiers (agency_code, dossier_code, memory)
VALUES (%(agency_code)s, %(dossier_code)s, %(memory)s)
RETURNING dossier_id
