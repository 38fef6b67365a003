-- Files of a source that waited, are not among those that are still to be read, and were first seen before the given
-- time: they were taken away before they were read. Called by store/intake/exports.py.
UPDATE intake.exports AS e SET state = 'removed', read_at = %(now)s
WHERE
    e.source = %(source)s AND e.state = 'waiting' AND e.seen_at <= %(seen_until)s
    AND e.name <> all(%(names)s::text[])
RETURNING e.export_no
