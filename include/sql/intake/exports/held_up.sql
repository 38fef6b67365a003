-- Files that were refused and after which none of the same source was taken: what they tell is not known. Called by
-- store/intake/exports.py.
SELECT
    e.source,
    e.name,
    e.export_no
FROM intake.exports AS e
WHERE
    e.state = 'refused'
    AND e.source = any(%(sources)s)
    AND NOT EXISTS (
        SELECT 1 FROM intake.exports AS l
        WHERE
            l.source = e.source AND l.export_no <> e.export_no AND l.state IN ('taken', 'accepted')
            AND (l.read_at > e.read_at OR (l.exported_at > e.exported_at AND l.is_whole))
    )
ORDER BY e.source, e.export_no
