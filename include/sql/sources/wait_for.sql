-- Waits until no other transaction picks the source up, and keeps the others from it until this one ends. No row: there
-- is no such source. Called by store/notices/sources.py.
SELECT pg_advisory_xact_lock(hashtext('pick-ups of sources'), s.source_id) IS NOT NULL AS held
FROM motcua.sources AS s
WHERE s.name = %(name)s
