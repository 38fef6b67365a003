-- Read the values that a watcher compares with the sources, and announce to runs and senders what the watcher found. A
-- watcher is a process that queries the sources for unread rows. A pick-up reads the unread rows of one source into the
-- ledger. Called by store/notices/sources.py and jobs/notices/looking.py.

-- name: watched
-- Return the values that the last pick-up of each source stored for the watcher, for the named sources or all
-- (motcua.sources). ask_at is the earliest time at which a dossier's row must be read because an old step (one that was
-- typed in late) waits for it.
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
-- Announce one fact about each of these sources by a shared advisory lock (motcua.sources): that it has unread rows,
-- that nobody reads these rows, or that it does not answer. The lock lasts until this connection ends or releases it.
-- The lock's key is a hash of the source's name and of the values that the last pick-up stored (motcua.sources.watch).
-- A finished pick-up changes these values, so that every earlier announcement about the source becomes void.
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
-- Release the advisory locks by which this connection announced a fact about sources.
SELECT pg_advisory_unlock_shared(hashtext(%(what)s), k.key) AS is_taken_back
FROM unnest(%(keys)s::integer[]) AS k (key);

-- name: told
-- Return what watchers announce about each source (pg_locks): that it has rows beyond the last pick-up, that these rows
-- are unread for too long, or that the source does not answer.
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
