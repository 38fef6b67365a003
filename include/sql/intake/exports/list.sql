-- Files of a source (all, where none is named), the newest first, after as many as are skipped.
-- Called by store/intake/exports.py.
SELECT
    e.export_no,
    e.source,
    e.name,
    e.size,
    e.modified_at,
    e.seen_at,
    e.state,
    e.exported_at,
    e.is_whole,
    e.read_at,
    e.lines,
    e.dossiers,
    e.added,
    e.moved,
    e.older,
    e.refused,
    e.vanished,
    e.faults,
    e.accepted_by,
    e.accepted_at,
    e.accepted_why,
    e.sent_by,
    e.sent_at
FROM intake.exports AS e
WHERE
    (%(source)s::text IS NULL OR e.source = %(source)s)
    AND (%(export_no)s::bigint IS NULL OR e.export_no = %(export_no)s)
ORDER BY e.export_no DESC
LIMIT %(limit)s OFFSET %(skipped)s
