-- How a watcher learns what to ask sources about, and tells runs and senders what it saw. Called by
-- store/notices/sources.py and jobs/notices/looking.py.

-- name: watched
-- What the last pick-up of each source kept for the watcher, and when a row is to be read for an old step that waits
-- for it: of the sources named, or of all.
SELECT
    s.name,
    s.watch,
    (SELECT min(o.ask_at) FROM motcua.old_steps AS o WHERE o.source_id = s.source_id AND o.ask_at IS NOT NULL) AS ask_at
FROM motcua.sources AS s
WHERE %(names)s::text[] IS NULL OR s.name = any(%(names)s);

-- name: limit
-- This session only reads, and no statement of it may take longer than so many milliseconds.
SELECT
    set_config('statement_timeout', %(milliseconds)s::text, FALSE),
    set_config('default_transaction_read_only', 'on', FALSE);

-- name: take
-- Says of sources, for as long as this connection lives and until it takes it back, that they have news beyond what was
-- last picked up, that nobody reads these, or that they do not answer: a shared advisory lock on what was kept, so that
-- what a pick-up has read is news no longer, whoever says so.
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
-- Takes back what this connection said of sources.
SELECT pg_advisory_unlock_shared(hashtext(%(what)s), k.key) AS is_taken_back
FROM unnest(%(keys)s::integer[]) AS k (key);

-- name: told
-- What watchers say of each source: that it has news beyond what was last picked up, that it has them for longer than
-- something may be due, that it does not answer.
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
