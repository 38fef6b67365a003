-- Which of these sources tell of an agency: those that dossiers of it were picked up from since then, and those of
-- software that may push for it. Called by store/checking/checks.py.
SELECT s.name
FROM motcua.sources AS s
WHERE
    s.name = any(%(sources)s::text[])
    AND s.source_id IN (
        SELECT d.source_id
        FROM motcua.dossiers AS d
        WHERE d.agency_code = %(agency_code)s AND d.picked_up_at >= %(since)s
    )
UNION
SELECT c.source AS name
FROM intake.clients AS c
INNER JOIN intake.client_agencies AS a ON c.client_id = a.client_id
WHERE c.source = any(%(sources)s::text[]) AND a.agency_code = %(agency_code)s AND c.disabled_at IS NULL
ORDER BY name
