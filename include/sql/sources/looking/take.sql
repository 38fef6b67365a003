-- Says of sources, for as long as this connection lives and until it takes it back, that they have news beyond what was
-- last picked up, that nobody reads these, or that they do not answer: a shared advisory lock on what was kept, so that
-- what a pick-up has read is news no longer, whoever says so. Called by store/notices/sources.py.
SELECT
    s.name,
    s.key,
    pg_try_advisory_lock_shared(hashtext(%(what)s), s.key) AS is_told
FROM (
    SELECT
        k.name,
        hashtext(concat(k.name, ' ', k.watch)) AS key
    FROM motcua.sources AS k
    WHERE k.name = any(%(names)s)
) AS s
