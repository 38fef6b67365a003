-- Files that were refused by another form than the one in force, and are still there as they were, wait to be read
-- again. Called by store/intake/exports.py.
UPDATE intake.exports AS e SET state = 'waiting', read_at = NULL, faults = '[]'
WHERE
    e.source = %(source)s AND e.state = 'refused' AND e.form_no IS DISTINCT FROM %(form_no)s
    AND (e.name, e.size, e.modified_at) IN (
        SELECT t.name, t.size, t.modified_at
        FROM unnest(%(names)s::text[], %(sizes)s::bigint[], %(modified)s::timestamptz[]) AS t (
            name, size, modified_at
        )
    )
    AND NOT EXISTS (
        SELECT 1 FROM intake.exports AS w WHERE w.source = e.source AND w.name = e.name AND w.state = 'waiting'
    )
    AND e.export_no = (SELECT max(l.export_no) FROM intake.exports AS l WHERE l.source = e.source AND l.name = e.name)
