-- What was last taken of a source: the newest whole export and the newest of all, by when they were exported, and
-- whether this very file was. Called by store/intake/exports.py.
SELECT
    w.exported_at AS whole_at,
    w.name AS whole_name,
    w.dossiers AS whole_dossiers,
    coalesce(n.ends_a_line, FALSE) AS ends_a_line,
    k.times > 0 OR coalesce(n.sha256 = %(sha256)s, FALSE) AS is_repeated
FROM (
    SELECT count(*) AS times
    FROM intake.exports AS e
    WHERE
        e.source = %(source)s AND e.sha256 = %(sha256)s AND e.state IN ('taken', 'accepted')
        AND e.exported_at >= %(exported_at)s
) AS k
LEFT JOIN LATERAL (
    SELECT e.exported_at, e.name, e.dossiers
    FROM intake.exports AS e
    WHERE e.source = %(source)s AND e.is_whole AND e.state IN ('taken', 'accepted')
    ORDER BY e.exported_at DESC, e.export_no DESC
    LIMIT 1
) AS w ON TRUE
LEFT JOIN LATERAL (
    SELECT e.sha256, e.ends_a_line
    FROM intake.exports AS e
    WHERE e.source = %(source)s AND e.state IN ('taken', 'accepted')
    ORDER BY e.exported_at DESC, e.export_no DESC
    LIMIT 1
) AS n ON TRUE
