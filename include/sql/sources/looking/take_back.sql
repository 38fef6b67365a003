-- Takes back what this connection said of sources. Called by store/notices/sources.py.
SELECT pg_advisory_unlock_shared(hashtext(%(what)s), k.key) AS is_taken_back
FROM unnest(%(keys)s::integer[]) AS k (key)
