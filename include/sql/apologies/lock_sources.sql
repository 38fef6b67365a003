-- These sources, locked once no pick-up is at work on them: until the transaction ends, what is known of their dossiers
-- stands still. Called by store/notices/apologies.py.
SELECT name, picked_up_at
FROM motcua.sources
WHERE name = any(%(names)s)
ORDER BY source_id
FOR UPDATE
