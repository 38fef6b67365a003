-- Messages of unknown outcome since before a moment that are still useful, of some agencies or of all (NULL): how many,
-- and since when the first. Called by store/watching/watch.py.
SELECT
    count(*) AS messages,
    min(m.changed_at) AS since
FROM motcua.messages AS m
WHERE
    m.state = 'unknown'
    AND m.changed_at < %(before)s
    AND m.useful_until > %(now)s
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
