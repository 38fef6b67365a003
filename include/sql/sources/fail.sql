-- The source could not be read. Called by store/notices/sources.py.
UPDATE motcua.sources SET failed_at = %(now)s, failure = left(%(failure)s, 500)
WHERE name = %(name)s
