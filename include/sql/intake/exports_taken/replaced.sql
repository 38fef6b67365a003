-- A file of a source that waited was replaced by one that was taken away before and is back. Called by
-- store/intake/exports.py.
UPDATE intake.exports AS e SET state = 'removed', read_at = %(now)s
WHERE
    e.source = %(source)s AND e.name = %(name)s AND e.state = 'waiting'
    AND EXISTS (
        SELECT 1 FROM intake.exports AS r
        WHERE
            r.source = e.source AND r.name = e.name AND r.state = 'removed'
            AND r.size = %(size)s AND r.modified_at = %(modified_at)s
    )
