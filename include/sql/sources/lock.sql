-- Whether this transaction may pick the source up: no other one is at work on it. Its row stays free all the while. No
-- row: there is no such source. Called by store/notices/sources.py.
SELECT pg_try_advisory_xact_lock(hashtext('pick-ups of sources'), s.source_id) AS held
FROM motcua.sources AS s
WHERE s.name = %(name)s
