-- A file of a source that was taken away before it was read is back as it was, and waits; no row: there is none.
-- Called by store/intake/exports.py.
UPDATE intake.exports AS e SET
    state = 'waiting', read_at = NULL, seen_at = %(now)s, accepted_by = NULL, accepted_at = NULL, sent_by = NULL,
    sent_at = NULL
WHERE
    e.source = %(source)s AND e.name = %(name)s AND e.size = %(size)s AND e.modified_at = %(modified_at)s
    AND e.state = 'removed'
    AND NOT EXISTS (
        SELECT 1 FROM intake.exports AS w
        WHERE w.source = e.source AND w.name = e.name AND w.state = 'waiting'
    )
RETURNING e.export_no, e.seen_at, e.accepted_at
