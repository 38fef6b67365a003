-- Dossiers of a source whose row must be read once more because an old step waits for it; each under every code by
-- which the source may know its agency. Called by store/notices/old_steps.py.
SELECT
    d.dossier_id,
    d.agency_code,
    d.dossier_code,
    s.written
FROM (
    SELECT DISTINCT o.dossier_id
    FROM motcua.old_steps AS o
    WHERE o.source_id = %(source_id)s AND o.ask_at <= %(now)s
) AS w
INNER JOIN motcua.dossiers AS d ON w.dossier_id = d.dossier_id
INNER JOIN motcua.agency_scopes AS s ON d.agency_code = s.agency_code
ORDER BY d.dossier_id, s.written
