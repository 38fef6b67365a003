-- The source's row, made where it is missing. Asked for first: an insertion that finds its row there uses up a number
-- all the same, and there are 32,767. Called by store/notices/sources.py.
INSERT INTO motcua.sources (name)
SELECT n.name FROM (VALUES (%(name)s::text)) AS n (name)
WHERE NOT EXISTS (SELECT 1 FROM motcua.sources AS s WHERE s.name = n.name)
ON CONFLICT (name) DO NOTHING
