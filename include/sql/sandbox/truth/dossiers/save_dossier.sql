-- What has become of a dossier. Called by sandbox/world/clockwork.py.
UPDATE world.dossiers SET memory = %(memory)s
WHERE dossier_id = %(dossier_id)s
