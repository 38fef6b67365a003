-- Notes a file of a source as it is seen now: it waits, from when it was first seen so. Called by
-- store/intake/exports.py.
INSERT INTO intake.exports AS e (source, name, size, modified_at, seen_at, state)
VALUES (%(source)s, %(name)s, %(size)s, %(modified_at)s, %(now)s, 'waiting')
ON CONFLICT (source, name) WHERE state = 'waiting' DO UPDATE
    SET
        size = excluded.size,
        modified_at = excluded.modified_at,
        seen_at = CASE
            WHEN (e.size, e.modified_at) = (excluded.size, excluded.modified_at) THEN e.seen_at
            ELSE excluded.seen_at
        END,
        -- What a person said of it was of what it was then.
        accepted_by = CASE
            WHEN (e.size, e.modified_at) = (excluded.size, excluded.modified_at) THEN e.accepted_by
        END,
        accepted_at = CASE
            WHEN (e.size, e.modified_at) = (excluded.size, excluded.modified_at) THEN e.accepted_at
        END,
        -- A store writes the time anew when it moves a file; who sent it is told by its name.
        sent_by = CASE WHEN e.size = excluded.size THEN e.sent_by END,
        sent_at = CASE WHEN e.size = excluded.size THEN e.sent_at END
RETURNING e.export_no, e.seen_at, e.accepted_at
