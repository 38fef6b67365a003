-- Support the watchers, processes that query the sources for unread rows: read the stored values that they compare with
-- the sources, and signal what they found to runs and senders. A pick-up reads the unread rows of one source into the
-- ledger. Called by store/notices/sources.py and jobs/notices/looking.py.

-- name: watched
-- Return the values that the last pick-up of each source stored for the watcher, for the named sources or all
-- (motcua.sources). ask_at is when a pick-up must next read a dossier's row again, to decide whether a step that was
-- typed in late counts.
SELECT
    s.name,
    s.watch,
    (SELECT min(o.ask_at) FROM motcua.old_steps AS o WHERE o.source_id = s.source_id AND o.ask_at IS NOT NULL) AS ask_at
FROM motcua.sources AS s
WHERE %(names)s::text[] IS NULL OR s.name = any(%(names)s);

-- name: limit
-- Make this session read-only, and limit the time of each of its SQL statements, in milliseconds.
SELECT
    set_config('statement_timeout', %(milliseconds)s::text, FALSE),
    set_config('default_transaction_read_only', 'on', FALSE);

-- name: take
-- Signal one of three things about each of these sources by a shared advisory lock (motcua.sources): it has unread
-- rows, it has had them for too long, or it does not answer. The lock lasts until this connection ends or releases it.
-- The lock's key is a hash of the source's name and of the values that the last pick-up stored (motcua.sources.watch).
-- The next pick-up changes these values, so that earlier signals about the source become void.
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
) AS s;

-- name: take_back
-- End signals of this connection about sources: release their advisory locks.
SELECT pg_advisory_unlock_shared(hashtext(%(what)s), k.key) AS is_taken_back
FROM unnest(%(keys)s::integer[]) AS k (key);

-- name: told
-- Return which signals watchers give about each source at present (pg_locks): it has unread rows (has_news), it has had
-- them for too long (has_unread), or it does not answer.
WITH held AS MATERIALIZED (
    SELECT
        l.classid::bigint AS class,
        l.objid::bigint AS key
    FROM pg_locks AS l
    INNER JOIN pg_database AS d ON l.database = d.oid
    WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database() AND l.objsubid = 2
)

SELECT
    s.name,
    (hashtext(%(news)s)::bigint & 4294967295, s.key) IN (SELECT h.class, h.key FROM held AS h) AS has_news,
    (hashtext(%(unread)s)::bigint & 4294967295, s.key) IN (SELECT h.class, h.key FROM held AS h) AS has_unread,
    (hashtext(%(silent)s)::bigint & 4294967295, s.key) IN (SELECT h.class, h.key FROM held AS h) AS is_silent
FROM (
    SELECT
        k.name,
        hashtext(concat(k.name, ' ', k.watch))::bigint & 4294967295 AS key
    FROM motcua.sources AS k
) AS s;
