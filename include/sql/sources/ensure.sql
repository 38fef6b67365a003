-- The source's row, made where it is missing. Called by store/notices/sources.py.
INSERT INTO motcua.sources (name) VALUES (%(name)s)
ON CONFLICT (name) DO NOTHING
