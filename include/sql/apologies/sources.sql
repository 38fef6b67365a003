-- These sources, as the last pick-up left them; to be asked once they are locked. Called by store/notices/apologies.py.
SELECT name, picked_up_at
FROM motcua.sources
WHERE name = any(%(names)s)
ORDER BY source_id
