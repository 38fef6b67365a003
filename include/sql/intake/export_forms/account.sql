-- The account that a source's exports are kept under, and the agencies that they may tell of; no row: none was opened.
-- Called by store/intake/exports.py.
SELECT
    c.client_id,
    array(
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = c.client_id ORDER BY a.agency_code
    ) AS agencies
FROM intake.clients AS c
WHERE c.name = %(source)s AND c.source = %(source)s
