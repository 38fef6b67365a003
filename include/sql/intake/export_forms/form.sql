-- The form in force of a source's exports, and the account that its rows are kept under. Called by
-- store/intake/exports.py.
SELECT
    f.form_no,
    f.client_id,
    f.form,
    f.set_at,
    f.set_by,
    array(
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = c.client_id ORDER BY a.agency_code
    ) AS agencies
FROM intake.clients AS c
INNER JOIN intake.export_forms AS f ON c.client_id = f.client_id
WHERE c.name = %(source)s AND c.source = %(source)s
ORDER BY f.form_no DESC
LIMIT 1
