-- What the last pick-up of each source kept for the watcher, and when a row is to be read for an old step that waits
-- for it: of the sources named, or of all. Called by store/notices/sources.py.
SELECT
    s.name,
    s.watch,
    (SELECT min(o.ask_at) FROM motcua.old_steps AS o WHERE o.source_id = s.source_id AND o.ask_at IS NOT NULL) AS ask_at
FROM motcua.sources AS s
WHERE %(names)s::text[] IS NULL OR s.name = any(%(names)s)
