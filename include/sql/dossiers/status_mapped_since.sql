-- Dossiers of a source whose status nobody knew, where one of the source's codes was mapped since it was last read;
-- each under every code by which the source may know its agency. Called by store/notices/dossiers.py.
SELECT
    s.written AS agency_code,
    d.dossier_code
FROM motcua.dossiers AS d
INNER JOIN motcua.agency_scopes AS s ON d.agency_code = s.agency_code
WHERE
    d.source_id = %(source_id)s AND d.status_code IS NULL
    AND EXISTS (
        SELECT 1
        FROM motcua.status_maps AS m
        INNER JOIN motcua.sources AS u ON m.source_id = u.source_id
        WHERE m.source_id = %(source_id)s AND m.mapped_at > coalesce(u.picked_up_at, '-infinity')
    )
ORDER BY d.dossier_id, s.written
