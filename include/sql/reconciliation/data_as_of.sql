-- When the sources had last been read, the oldest of them. Called by store/closings.py.
SELECT min(picked_up_at) AS data_as_of
FROM motcua.sources
WHERE name = any(%(sources)s)
