-- The dossiers that are judged by themselves. Called by store/rechecks.py.
SELECT d.* FROM motcua.dossiers AS d WHERE d.dossier_id = any(%(dossiers)s::bigint[])
