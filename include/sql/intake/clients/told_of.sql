-- Agencies that the files of a source may tell of now, or might at any time. Called by store/intake/exports.py.
SELECT DISTINCT a.agency_code
FROM intake.clients AS c
INNER JOIN intake.client_changes AS k ON c.client_id = k.client_id
CROSS JOIN LATERAL unnest(k.agencies) AS a (agency_code)
WHERE c.name = %(source)s AND c.source = %(source)s
ORDER BY a.agency_code
