-- A dossier as it is, kept from others until the end of the transaction. Called by sandbox/world/clockwork.py.
SELECT memory FROM world.dossiers
WHERE dossier_id = %(dossier_id)s
FOR UPDATE
