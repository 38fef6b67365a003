-- Somebody says that a refused file is to be taken as it is; it waits again. No row: it is not refused, or the file was
-- written anew since. Called by store/intake/exports.py.
UPDATE intake.exports AS e SET
    state = 'waiting', read_at = NULL, accepted_by = %(by)s, accepted_at = %(now)s, accepted_why = %(why)s
WHERE
    e.export_no = %(export_no)s AND e.state = 'refused'
    AND NOT EXISTS (
        SELECT 1 FROM intake.exports AS l
        WHERE l.source = e.source AND l.name = e.name AND l.export_no > e.export_no
    )
RETURNING e.export_no
