-- What has become of a dossier. Called by sandbox/clockwork.py.
UPDATE world.dossiers SET memory = %(memory)s
WHERE dossier_id = %(dossier_id)s
