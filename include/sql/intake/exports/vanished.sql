-- Open dossiers that the whole exports of a source have no more, the newest first. Called by store/intake/exports.py.
SELECT
    d.agency_code,
    d.dossier_code,
    x.export_no,
    x.exported_at
FROM intake.exports AS x
INNER JOIN intake.exported_dossiers AS e ON x.export_no = e.vanished_in
INNER JOIN intake.pushed_dossiers AS d ON e.dossier_no = d.dossier_no
WHERE x.source = %(source)s AND coalesce(d.status_code, 0) NOT IN (3, 7, 10)
ORDER BY x.export_no DESC, d.agency_code, d.dossier_code
LIMIT %(limit)s
