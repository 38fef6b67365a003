-- Notes a file of a source that somebody sends by the page: it waits as one that was dropped. Called by
-- store/intake/exports.py.
INSERT INTO intake.exports AS e (source, name, size, modified_at, seen_at, state, sent_by, sent_at)
VALUES (%(source)s, %(name)s, %(size)s, %(modified_at)s, %(now)s, 'waiting', %(by)s, %(now)s)
ON CONFLICT (source, name) WHERE state = 'waiting' DO UPDATE
    SET
        size = excluded.size,
        modified_at = excluded.modified_at,
        seen_at = excluded.seen_at,
        sent_by = excluded.sent_by,
        sent_at = excluded.sent_at,
        accepted_by = NULL,
        accepted_at = NULL
