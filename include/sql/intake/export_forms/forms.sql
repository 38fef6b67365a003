-- The forms of a source's exports, the newest first. Called by store/intake/exports.py.
SELECT
    f.form_no,
    f.form,
    f.set_at,
    f.set_by
FROM intake.clients AS c
INNER JOIN intake.export_forms AS f ON c.client_id = f.client_id
WHERE c.name = %(source)s AND c.source = %(source)s
ORDER BY f.form_no DESC
LIMIT %(most)s
