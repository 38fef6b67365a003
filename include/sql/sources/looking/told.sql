-- What watchers say of each source: that it has news beyond what was last picked up, that it has them for longer than
-- something may be due, that it does not answer.
-- Called by store/notices/sources.py.
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
) AS s
