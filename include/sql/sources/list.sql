-- All sources with their cursors and last failure, and whether a row is to be read for an old step that waits for it.
-- Called by store/notices/sources.py.
SELECT
    s.source_id,
    s.name,
    s.cursor_recorded_at,
    s.watch,
    s.picked_up_at,
    s.failed_at,
    s.failure,
    (SELECT min(o.ask_at) FROM motcua.old_steps AS o WHERE o.source_id = s.source_id AND o.ask_at IS NOT NULL) AS ask_at
FROM motcua.sources AS s
ORDER BY s.name
