-- Their steps. Called by store/rechecks.py.
SELECT t.* FROM motcua.transitions AS t WHERE t.dossier_id = any(%(dossiers)s::bigint[])
